using Dino.Tensors.Cpu;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>What a product is described by, and its arithmetic.</summary>
internal sealed unsafe partial class FakeCublasLt
{
    private abstract record Part(FakeCublasLt Library);

    private sealed record Description(FakeCublasLt Library) : Part(Library)
    {
        public bool TransposeA { get; set; }

        public bool TransposeB { get; set; }

        public bool HasBias { get; set; }

        public long Bias { get; set; }
    }

    private sealed record Layout(FakeCublasLt Library, bool IsHalf, long Rows, long Columns, long Leading) : Part(Library)
    {
        public int Batch { get; set; } = 1;

        public long BatchStride { get; set; }

        /// <summary>Elements from the first to the last.</summary>
        public long Length => ((Columns - 1) * Leading) + Rows;

        /// <summary>Bytes of an element.</summary>
        public int Bytes => IsHalf ? 2 : 4;

        public float Read(byte* from, long at) => IsHalf ? BitConverter.UInt32BitsToSingle((uint)((ushort*)from)[at] << 16) : ((float*)from)[at];

        public void Write(byte* to, long at, float value)
        {
            if (IsHalf)
                ((ushort*)to)[at] = Conversions.ToBFloat16(value);
            else
                ((float*)to)[at] = value;
        }
    }

    private sealed record Preference(FakeCublasLt Library) : Part(Library)
    {
        public long Workspace { get; set; }

        public int[] Alignments { get; } = [256, 256, 256, 256];
    }

    private sealed class ProductStep(EmulatedMachine machine, Product product) : EmulatedNode(machine)
    {
        public override EmulatedNode Copy() => new ProductStep(Machine, product);

        public override int Run() => product.Run();
    }

    /// <summary>d = alpha · op(a) · op(b) + beta · c + bias, column by column.</summary>
    private readonly struct Product(
        EmulatedMachine machine, bool transposeA, bool transposeB, long bias, float alpha, float beta, long a, long b, long c, long d,
        Layout layoutA, Layout layoutB, Layout layoutC, Layout layoutD)
    {
        public int Run()
        {
            (long rows, long columns, long depth) = (layoutD.Rows, layoutD.Columns, transposeA ? layoutA.Rows : layoutA.Columns);
            bool fits = (transposeA ? layoutA.Columns : layoutA.Rows) == rows && (transposeB ? layoutB.Columns : layoutB.Rows) == depth
                && (transposeB ? layoutB.Rows : layoutB.Columns) == columns && layoutA.Batch == layoutD.Batch && layoutB.Batch == layoutD.Batch && layoutC == layoutD;
            if (!fits)
                return InvalidValue;
            for (int matrix = 0; matrix < layoutD.Batch; matrix++)
            {
                byte* x = Place(a, layoutA, matrix), y = Place(b, layoutB, matrix), old = beta == 0 ? null : Place(c, layoutC, matrix), to = Place(d, layoutD, matrix);
                byte* shift = bias != 0 ? (byte*)machine.Memory.Host(bias, rows * layoutD.Bytes) : null;
                if (x == null || y == null || to == null || (beta != 0 && old == null) || (bias != 0 && shift == null))
                    return InvalidValue;
                for (long column = 0; column < columns; column++)
                {
                    for (long row = 0; row < rows; row++)
                    {
                        double sum = 0;
                        for (long k = 0; k < depth; k++)
                        {
                            sum += (double)layoutA.Read(x, transposeA ? k + (row * layoutA.Leading) : row + (k * layoutA.Leading))
                                * layoutB.Read(y, transposeB ? column + (k * layoutB.Leading) : k + (column * layoutB.Leading));
                        }

                        sum *= alpha;
                        if (beta != 0)
                            sum += beta * layoutC.Read(old, row + (column * layoutC.Leading));
                        if (shift != null)
                            sum += layoutD.Read(shift, row);
                        layoutD.Write(to, row + (column * layoutD.Leading), (float)sum);
                    }
                }
            }

            return Success;
        }

        private byte* Place(long address, Layout layout, int matrix) => (byte*)machine.Memory.Host(address + (matrix * layout.BatchStride * layout.Bytes), layout.Length * layout.Bytes);
    }
}
