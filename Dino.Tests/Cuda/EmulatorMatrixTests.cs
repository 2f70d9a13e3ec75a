using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>Products of small matrices against their definition: where each element lies is written down here as in the manual of the instruction set.</summary>
public sealed class EmulatorMatrixTests
{
    [Theory]
    [InlineData("m16n8k16", "bf16", 16)]
    [InlineData("m16n8k16", "f16", 16)]
    [InlineData("m16n8k8", "bf16", 8)]
    [InlineData("m16n8k8", "f16", 8)]
    public void Halves_are_multiplied(string shape, string type, int depth)
    {
        (float[,] a, float[,] b, float[,] c) = Operands(depth);
        uint[] x = new uint[32 * 16];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane / 4, inGroup = lane % 4;
            for (int i = 0; i < depth / 2; i++)
            {
                int row = i % 4 < 2 ? group : group + 8, column = (inGroup * 2) + (i & 1) + (i >= 4 ? 8 : 0);
                x[(lane * 16) + (i / 2)] |= Encode(type, a[row, column]) << (16 * (i & 1));
            }

            for (int i = 0; i < depth / 4; i++)
            {
                int row = (inGroup * 2) + (i & 1) + (i >= 2 ? 8 : 0);
                x[(lane * 16) + 4 + (i / 2)] |= Encode(type, b[row, group]) << (16 * (i & 1));
            }

            PutC(x, lane, c);
        }

        Compare(shape, type, depth / 4, depth / 8, x, a, b, c);
    }

    [Theory]
    [InlineData("m16n8k8", 8)]
    [InlineData("m16n8k4", 4)]
    public void Short_floats_are_multiplied_without_their_last_bits(string shape, int depth)
    {
        (float[,] a, float[,] b, float[,] c) = Operands(depth);
        uint[] x = new uint[32 * 16];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane / 4, inGroup = lane % 4;
            for (int i = 0; i < depth / 2; i++)
                x[(lane * 16) + i] = BitConverter.SingleToUInt32Bits(a[i % 2 == 0 ? group : group + 8, inGroup + (i >= 2 ? 4 : 0)]) | 0x1FFF;
            for (int i = 0; i < depth / 4; i++)
                x[(lane * 16) + 4 + i] = BitConverter.SingleToUInt32Bits(b[inGroup + (i * 4), group]) | 0x1234;
            PutC(x, lane, c);
        }

        Compare(shape, "tf32", depth / 2, depth / 4, x, a, b, c);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Matrices_are_loaded_from_rows(bool isTransposed)
    {
        // Row n of matrix m lies at 16 (8 m + n), and holds 100 m + 8 n + column.
        uint[] x = new uint[128];
        for (int at = 0; at < 256; at++)
            x[at / 2] |= Value(at / 64, at / 8 % 8, at % 8) << (16 * (at % 2));
        uint[] found = PtxBench.Run(
            $$"""
            .shared .align 16 .b8 buffer[512];
            mov.u64 %d1, buffer;
            mul.wide.u32 %d2, %t, 16;
            add.s64 %d3, %d1, %d2;
            add.s64 %d4, %x, %d2;
            ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%d4];
            st.shared.v4.u32 [%d3], {%r1, %r2, %r3, %r4};
            bar.warp.sync -1;
            cvt.u32.u64 %r9, %d3;
            ldmatrix.sync.aligned.m8n8.x4{{(isTransposed ? ".trans" : "")}}.shared.b16 {%r5, %r6, %r7, %r8}, [%r9];
            add.s64 %d5, %y, %d2;
            st.global.v4.u32 [%d5], {%r5, %r6, %r7, %r8};
            """,
            x, 128);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int matrix = 0; matrix < 4; matrix++)
            {
                int row = lane / 4, column = lane % 4 * 2;
                uint expected = isTransposed ? Value(matrix, column, row) | (Value(matrix, column + 1, row) << 16) : Value(matrix, row, column) | (Value(matrix, row, column + 1) << 16);
                Assert.Equal(expected, found[(lane * 4) + matrix]);
            }
        }

        static uint Value(int matrix, int row, int column) => (uint)((100 * matrix) + (8 * row) + column);
    }

    private static void Compare(string shape, string type, int aRegisters, int bRegisters, uint[] x, float[,] a, float[,] b, float[,] c)
    {
        string List(char kind, int first, int count) => $"{{{string.Join(", ", Enumerable.Range(first, count).Select(n => $"%{kind}{n}"))}}}";
        uint[] found = PtxBench.Run(
            $"""
            mul.wide.u32 %d1, %t, 64;
            add.s64 %d2, %x, %d1;
            ld.global.v4.u32 {List('r', 1, 4)}, [%d2];
            ld.global.v2.u32 {List('r', 5, 2)}, [%d2+16];
            ld.global.v4.f32 {List('f', 1, 4)}, [%d2+32];
            mma.sync.aligned.{shape}.row.col.f32.{type}.{type}.f32 {List('f', 5, 4)}, {List('r', 1, aRegisters)}, {List('r', 5, bRegisters)}, {List('f', 1, 4)};
            mul.wide.u32 %d3, %t, 16;
            add.s64 %d4, %y, %d3;
            st.global.v4.f32 [%d4], {List('f', 5, 4)};
            """,
            x, 128);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                (int row, int column) = PlaceOfC(lane, i);
                float expected = c[row, column];
                for (int k = 0; k < a.GetLength(1); k++)
                    expected += a[row, k] * b[k, column];
                // Whole numbers: exact in any order.
                Assert.Equal(expected, BitConverter.UInt32BitsToSingle(found[(lane * 4) + i]));
            }
        }
    }

    private static void PutC(uint[] x, int lane, float[,] c)
    {
        for (int i = 0; i < 4; i++)
        {
            (int row, int column) = PlaceOfC(lane, i);
            x[(lane * 16) + 8 + i] = BitConverter.SingleToUInt32Bits(c[row, column]);
        }
    }

    private static (int Row, int Column) PlaceOfC(int lane, int i) => (i < 2 ? lane / 4 : (lane / 4) + 8, (lane % 4 * 2) + (i & 1));

    private static uint Encode(string type, float value) => type == "f16" ? BitConverter.HalfToUInt16Bits((Half)value) : BitConverter.SingleToUInt32Bits(value) >> 16;

    private static (float[,] A, float[,] B, float[,] C) Operands(int depth)
    {
        Random random = new(depth);
        return (Whole(16, depth), Whole(depth, 8), Whole(16, 8));

        float[,] Whole(int rows, int columns)
        {
            float[,] values = new float[rows, columns];
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    values[row, column] = random.Next(-30, 31);
            }

            return values;
        }
    }
}
