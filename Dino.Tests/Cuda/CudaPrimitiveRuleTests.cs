using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>What holds for all elementwise primitives of a CUDA device.</summary>
public sealed class CudaPrimitiveRuleTests
{
    [Fact]
    public void Warm_calls_allocate_nothing()
    {
        using ComparedBackends both = new();
        Backend backend = both.Cuda;
        View Take(Shape shape, DType type = DType.F32) => new(backend.Allocate(shape.Count * type.Size()), type, shape);
        View x = Take([2, 12, 12, 4]), y = Take(x.Shape), dy = Take(x.Shape), half = Take(x.Shape, DType.BF16), row = Take([48]), indices = Take([24], DType.I32), windows = Take([72, 64]);
        backend.Fill(x, 0.5f);
        backend.Fill(dy, 1);
        backend.Fill(row, 2);
        backend.Fill(indices, 3);
        UnaryOp[] unary = Enum.GetValues<UnaryOp>();
        BinaryOp[] binary = Enum.GetValues<BinaryOp>();
        Run();
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            foreach (UnaryOp op in unary)
            {
                backend.Unary(op, x, y, 1.5f, 3);
                backend.UnaryBackward(op, x, y, dy, new Destination(dy, true), 1.5f, 3);
            }

            foreach (BinaryOp op in binary)
                backend.Binary(op, x.As([24, 48]), row, y.As([24, 48]), Broadcast.Row);
            backend.Axpby(0.5f, x, 0.25f, y);
            backend.RandomUniform(y, new RandomKey(3), 0, 1);
            backend.RandomNormal(y, new RandomKey(3), 0, 1);
            backend.Cast(x, half);
            backend.Copy(x, y);
            backend.CopyStrided(new StridedView(x.Address, DType.F32, [48, 24], 1, 48), new StridedView(y.As([48, 24])), true);
            backend.CopyStrided(new StridedView(x.As([24, 48])), new StridedView(row.Address, DType.F32, [24, 48], 0, 1), true);
            backend.CopyStrided(new StridedView(x), new StridedView(y), true);
            backend.GatherRows(x.As([24, 48]), indices, y.As([24, 48]));
            backend.ScatterAddRows(x.As([24, 48]), indices, y.As([24, 48]));
            Window window = new(4, 4, 2, 2, 1, 1, 1, 1, 6, 6);
            backend.Im2Col(x, window, windows);
            backend.Col2Im(windows, window, new Destination(y));
            backend.Pool(PoolOp.Max, x, window, windows.Slice(0, [2, 6, 6, 4]));
            backend.PoolBackward(PoolOp.Max, x, windows.Slice(0, [2, 6, 6, 4]), window, new Destination(y, true));
        }
    }
}
