using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void MatMul(in MatMulArguments arguments)
    {
        // Matrices that land on one y are meant to follow each other there: only then may their order not be left to threads.
        if (arguments.OuterBatch > 1 && arguments.OuterStrideY == 0)
        {
            for (int i = 0; i < arguments.OuterBatch; i++)
                MatMul(Matrix(arguments, i, 0) with { OuterBatch = 1 });
        }
        else if (arguments.InnerBatch > 1 && arguments.InnerStrideY == 0)
        {
            for (int i = 0; i < arguments.InnerBatch; i++)
                MatMul(Matrix(arguments, 0, i) with { InnerBatch = 1 });
        }
        else
        {
            Multiply(new Product(arguments), default(NoEpilogue));
        }
    }

    /// <summary>Computes a batch of products and applies an epilogue to each finished tile.</summary>
    private protected void Multiply<TEpilogue>(Product product, TEpilogue epilogue)
        where TEpilogue : struct, IEpilogue
    {
        if (product.M <= 0 || product.N <= 0 || product.Matrices <= 0)
            return;
        if (!TEpilogue.Exists && product.N == 1 && product.M > 1 && product.StrideY == 1 && product.RowStrideA == 1 && !product.IsDots)
            product = product.Transposed();

        if (DotJob<V, TEpilogue>.Suits(product))
        {
            DotJob<V, TEpilogue> dots = new(product, epilogue);
            Workers.Run(dots.Tasks, ref dots);
            return;
        }

        Plan plan = new(product, V.Count);
        using ScratchFrame frame = OpenScratch();
        float* scratch = frame.Take([Workers.Threads * TileJob<V, TEpilogue>.ScratchPerWorker]).F32;
        TileJob<V, TEpilogue> tiles = new(product, plan, scratch, epilogue);
        for (int depth = 0; depth < plan.Depths.Parts; depth = tiles.EndDepth)
        {
            tiles.FirstDepth = depth;
            tiles.EndDepth = Math.Min(depth + plan.DepthBlocksTogether, plan.Depths.Parts);
            Workers.Run(tiles.Tasks, ref tiles);
        }
    }

    private static MatMulArguments Matrix(in MatMulArguments arguments, int outer, int inner) => arguments with
    {
        A = Move(arguments.A, outer * arguments.OuterStrideA + inner * arguments.InnerStrideA),
        B = Move(arguments.B, outer * arguments.OuterStrideB + inner * arguments.InnerStrideB),
        Y = Move(arguments.Y, outer * arguments.OuterStrideY + inner * arguments.InnerStrideY),
    };

    private static nint Move(nint address, long elements) => address + (nint)(elements * sizeof(float));
}
