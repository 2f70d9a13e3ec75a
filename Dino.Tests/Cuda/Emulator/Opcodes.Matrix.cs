using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// Products of small matrices and loading their parts. Lane l holds, with g = l / 4 and t = l % 4, the rows g and g + 8 of A [16, K] and of C [16, 8] and
/// the column g of B [K, 8]; t counts along the other axis.
/// </summary>
internal static unsafe partial class Opcodes
{
    private const int Rows = 16, Columns = 8;

    private static void AddMatrix()
    {
        AddProduct("m16n8k4", "tf32", 2, 1, &Product<TensorFloat, FourDeep>);
        AddProduct("m16n8k8", "tf32", 4, 2, &Product<TensorFloat, EightDeep>);
        AddProduct("m16n8k8", "bf16", 2, 1, &Product<PairOfBFloat16, EightDeep>);
        AddProduct("m16n8k16", "bf16", 4, 2, &Product<PairOfBFloat16, SixteenDeep>);
        AddProduct("m16n8k8", "f16", 2, 1, &Product<PairOfHalf, EightDeep>);
        AddProduct("m16n8k16", "f16", 4, 2, &Product<PairOfHalf, SixteenDeep>);
        foreach (int count in (int[])[1, 2, 4])
        {
            OperandRule to = new(OperandRole.DestinationVector, Type("b32"), count), from = new(OperandRole.Address, default, Space: PtxSpace.Shared);
            Sync($"ldmatrix.sync.aligned.m8n8.x{count}.shared.b16", &LoadMatrix<AsStored>, to, from);
            Sync($"ldmatrix.sync.aligned.m8n8.x{count}.trans.shared.b16", &LoadMatrix<Transposed>, to, from);
        }
    }

    private static void AddProduct(string shape, string type, int aRegisters, int bRegisters, delegate*<Warp, Instruction, void> run)
    {
        OperandRule Parts(string element, int count) => new(OperandRole.SourceVector, Type(element), count);
        Sync(
            $"mma.sync.aligned.{shape}.row.col.f32.{type}.{type}.f32", run,
            new(OperandRole.DestinationVector, Type("f32"), 4), Parts("b32", aRegisters), Parts("b32", bRegisters), Parts("f32", 4));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Product<TElements, TDepth>(Warp warp, Instruction i)
        where TElements : struct, IElements
        where TDepth : struct, IDepth
    {
        int depth = TDepth.Value, perRegister = TElements.PerRegister, bRegisters = depth / (4 * perRegister);
        float* a = stackalloc float[Rows * depth], b = stackalloc float[depth * Columns];
        byte* r = warp.Registers;
        for (int part = 0; part < bRegisters; part++)
        {
            uint* low = (uint*)(r + i.Vector[4 + (2 * part)]), high = (uint*)(r + i.Vector[5 + (2 * part)]), column = (uint*)(r + i.Vector[4 + (2 * bRegisters) + part]);
            for (int lane = 0; lane < Warp.Lanes; lane++)
            {
                int g = lane / 4, k = (part * 4 * perRegister) + (lane % 4 * perRegister);
                for (int n = 0; n < perRegister; n++)
                {
                    a[(g * depth) + k + n] = TElements.Of(low[lane], n);
                    a[((g + 8) * depth) + k + n] = TElements.Of(high[lane], n);
                    b[((k + n) * Columns) + g] = TElements.Of(column[lane], n);
                }
            }
        }

        float* output = stackalloc float[Rows * Columns];
        int first = 4 + (3 * bRegisters);
        for (int part = 0; part < 4; part++)
        {
            float* c = (float*)(r + i.Vector[first + part]);
            for (int lane = 0; lane < Warp.Lanes; lane++)
                output[Place(lane, part)] = c[lane];
        }

        for (int row = 0; row < Rows; row++)
        {
            Vector256<float> sum = Vector256.Load(output + (row * Columns));
            for (int k = 0; k < depth; k++)
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[(row * depth) + k]), Vector256.Load(b + (k * Columns)), sum);
            sum.Store(output + (row * Columns));
        }

        for (int part = 0; part < 4; part++)
        {
            float* d = (float*)(r + i.Vector[part]);
            for (int lane = 0; lane < Warp.Lanes; lane++)
                d[lane] = output[Place(lane, part)];
        }
    }

    private static int Place(int lane, int part) => (((lane / 4) + (part / 2 * 8)) * Columns) + (lane % 4 * 2) + (part % 2);

    /// <summary>Matrices of 8 rows of 8 elements; lane 8 m + n has the address of row n of matrix m.</summary>
    private static void LoadMatrix<TOrder>(Warp warp, Instruction i)
        where TOrder : struct, IOrder
    {
        int count = i.Vector.Length;
        Addresses.Compute(warp, i.Address, i.IsAddressWide, i.Offset);
        uint naming = count == 4 ? uint.MaxValue : (1u << (8 * count)) - 1;
        Addresses.TranslateShared(warp, naming, 16, AccessKind.Read);
        for (int matrix = 0; matrix < count; matrix++)
        {
            ushort** rows = (ushort**)warp.Pointers + (8 * matrix);
            uint* d = (uint*)(warp.Registers + i.Vector[matrix]);
            for (int lane = 0; lane < Warp.Lanes; lane++)
            {
                int g = lane / 4, t = lane % 4 * 2;
                d[lane] = TOrder.IsTransposed ? rows[t][g] | ((uint)rows[t + 1][g] << 16) : rows[g][t] | ((uint)rows[g][t + 1] << 16);
            }
        }
    }

    /// <summary>The elements in a register of A or B.</summary>
    private interface IElements
    {
        static abstract int PerRegister { get; }

        static abstract float Of(uint register, int index);
    }

    private interface IDepth
    {
        static abstract int Value { get; }
    }

    private interface IOrder
    {
        static abstract bool IsTransposed { get; }
    }

    private readonly struct AsStored : IOrder
    {
        public static bool IsTransposed => false;
    }

    private readonly struct Transposed : IOrder
    {
        public static bool IsTransposed => true;
    }

    private readonly struct FourDeep : IDepth
    {
        public static int Value => 4;
    }

    private readonly struct EightDeep : IDepth
    {
        public static int Value => 8;
    }

    private readonly struct SixteenDeep : IDepth
    {
        public static int Value => 16;
    }

    /// <summary>A float whose last 13 bits are not looked at.</summary>
    private readonly struct TensorFloat : IElements
    {
        public static int PerRegister => 1;

        public static float Of(uint register, int index) => BitConverter.UInt32BitsToSingle(register & 0xFFFFE000);
    }

    private readonly struct PairOfBFloat16 : IElements
    {
        public static int PerRegister => 2;

        public static float Of(uint register, int index) => BitConverter.UInt32BitsToSingle(index == 0 ? register << 16 : register & 0xFFFF0000);
    }

    private readonly struct PairOfHalf : IElements
    {
        public static int PerRegister => 2;

        public static float Of(uint register, int index) => (float)BitConverter.UInt16BitsToHalf((ushort)(register >> (16 * index)));
    }
}
