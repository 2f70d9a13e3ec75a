using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>What holds for all primitives: results do not depend on the number of threads, and warm calls allocate nothing.</summary>
public sealed class PrimitiveRuleTests
{
    private const int Rows = 403, Columns = 385;

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        foreach (Width width in Enum.GetValues<Width>())
        {
            byte[][] results = [.. ((int[])[1, 2, 3]).Select(threads => RunAll(width, threads))];
            Assert.True(results[0].AsSpan().SequenceEqual(results[1]), $"{width}: one and two threads differ.");
            Assert.True(results[0].AsSpan().SequenceEqual(results[2]), $"{width}: one and three threads differ.");
        }
    }

    [Fact]
    public void Warm_calls_allocate_nothing()
    {
        using Backend backend = Widths.Create(Width.Vec512, 2);
        using Operands operands = new();
        operands.Run(backend);
        operands.Run(backend);
        long before = GC.GetAllocatedBytesForCurrentThread();
        operands.Run(backend);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static byte[] RunAll(Width width, int threads)
    {
        using Backend backend = Widths.Create(width, threads);
        using Operands operands = new();
        operands.Run(backend);
        return operands.Results();
    }

    /// <summary>One call of every primitive on operands large enough to be cut into tasks.</summary>
    private sealed class Operands : IDisposable
    {
        private static readonly UnaryOp[] UnaryOps = Enum.GetValues<UnaryOp>();
        private static readonly BinaryOp[] BinaryOps = Enum.GetValues<BinaryOp>();
        private static readonly ReduceOp[] ReduceOps = Enum.GetValues<ReduceOp>();
        private static readonly PoolOp[] PoolOps = Enum.GetValues<PoolOp>();
        private readonly List<GuardedMemory> _all = [];
        private readonly GuardedMemory _x, _y, _sum, _copy, _half, _rows, _columns, _total, _index, _values, _indices, _windows, _pooled;

        public Operands()
        {
            _x = Take([Rows, Columns]);
            _y = Take([Rows, Columns]);
            _sum = Take([Rows, Columns]);
            _copy = Take([Columns, Rows]);
            _half = Take([Rows, Columns], DType.BF16);
            _rows = Take([Rows, 1]);
            _columns = Take([1, Columns]);
            _total = Take([1, 1]);
            _index = Take([Rows, 1], DType.I32);
            _values = Take([Rows, 5]);
            _indices = Take([Rows, 5], DType.I32);
            _windows = Take([Rows, Columns]);
            _pooled = Take([13, 31, 5, 77]);
            foreach (GuardedMemory memory in (GuardedMemory[])[_rows, _columns, _total])
                memory.Floats.Clear();
        }

        public void Run(Backend backend)
        {
            View x = _x.View, y = _y.View, sum = _sum.View;
            backend.Fill(sum, 0.5f);
            backend.RandomUniform(x, new RandomKey(3), 0.1f, 2f);
            backend.RandomNormal(y, new RandomKey(4), 0, 1);
            foreach (BinaryOp op in BinaryOps)
                backend.Binary(op, x, y, y, Broadcast.None);
            foreach (UnaryOp op in UnaryOps)
            {
                backend.Unary(op, x, y, 1.5f, 3f);
                backend.UnaryBackward(op, x, y, x, new Destination(sum, true), 1.5f, 3f);
            }

            foreach (ReduceOp op in ReduceOps)
            {
                backend.Reduce(op, sum.As([Rows, Columns, 1]), new Destination(_rows.View, true));
                backend.Reduce(op, sum.As([1, Rows, Columns]), new Destination(_columns.View, true));
                backend.Reduce(op, sum.As([1, Rows * Columns, 1]), new Destination(_total.View, true));
            }

            backend.Binary(BinaryOp.Add, sum, _columns.View, sum, Broadcast.Row);
            backend.Binary(BinaryOp.Multiply, sum, _rows.View, sum, Broadcast.Column);
            backend.Axpby(0.5f, x, 0.25f, sum);
            backend.ArgReduce(true, x.As([Rows, Columns, 1]), _index.View);
            backend.TopK(x, _values.View, _indices.View);
            backend.GatherRows(x, _index.View, y);
            backend.ScatterAddRows(y, _index.View, sum);
            backend.Cast(sum, _half.View);
            StridedView transposed = new(sum.Address, DType.F32, [Columns, Rows], 1, Columns);
            backend.CopyStrided(transposed, new StridedView(_copy.View), false);
            backend.CopyStrided(new StridedView(_copy.View), new StridedView(_copy.View), true);
            backend.Copy(x, y);

            // 403 · 385 elements are also 13 pictures of 31 x 5 pixels with 77 channels.
            View picture = x.As([13, 31, 5, 77]);
            Window window = new(3, 3, 1, 1, 1, 1, 1, 1, 31, 5);
            foreach (PoolOp op in PoolOps)
            {
                backend.Pool(op, picture, window, _pooled.View);
                backend.PoolBackward(op, picture, _pooled.View, window, new Destination(sum.As([13, 31, 5, 77]), true));
            }

            Window patches = new(1, 5, 1, 1, 0, 0, 1, 1, 31, 1);
            backend.Im2Col(picture, patches, _windows.View);
            backend.Col2Im(_windows.View, patches, new Destination(sum.As([13, 31, 5, 77]), true));
        }

        public byte[] Results()
        {
            List<byte> bytes = [];
            foreach (GuardedMemory memory in _all)
            {
                byte[] copy = new byte[memory.View.Bytes];
                using Backend reader = Widths.Create(Width.Vec512);
                reader.Download(memory.View, copy);
                bytes.AddRange(copy);
            }

            return [.. bytes];
        }

        public void Dispose() => _all.ForEach(memory => memory.Dispose());

        private GuardedMemory Take(Shape shape, DType type = DType.F32)
        {
            GuardedMemory memory = new(shape, type);
            _all.Add(memory);
            return memory;
        }
    }
}
