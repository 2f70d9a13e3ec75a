using System.Diagnostics;
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

    /// <summary>Computes a batch of products; or a single one, applying an epilogue to each finished tile.</summary>
    private protected void Multiply<TEpilogue>(Product product, TEpilogue epilogue)
        where TEpilogue : struct, IEpilogue
    {
        Debug.Assert(!TEpilogue.Exists || product.Matrices == 1, "An epilogue knows one y.");
        if (product.M <= 0 || product.N <= 0 || product.Matrices <= 0)
            return;
        if (!TEpilogue.Exists && product.N == 1 && product.M > 1 && product.StrideY == 1 && product.RowStrideA == 1 && !product.IsDots)
            product = product.Transposed();

        if (epilogue.MovesRows)
        {
            PackAndMultiply(product, epilogue);
            return;
        }

        if (DotJob<V, TEpilogue>.Suits(product))
        {
            DotJob<V, TEpilogue> dots = new(product, epilogue);
            Workers.Run(dots.Tasks, ref dots);
            return;
        }

        if (PackedPlan.Suits(product))
        {
            PackAndMultiply(product, epilogue);
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

    /// <summary>Stores b in panels first, once for all rows of a.</summary>
    private void PackAndMultiply<TEpilogue>(in Product product, TEpilogue epilogue)
        where TEpilogue : struct, IEpilogue
    {
        using ScratchFrame frame = OpenScratch();
        PackedMatrix panels = Panels(frame, product.B, product.N, product.K, product.ColumnStrideB, product.StepB);
        FloatPanelProduct<V, SingleElement<V>> sums = new(product.A, product.RowStrideA, product.K, panels.Address, panels.Layout);
        if (TEpilogue.Exists)
            MultiplyPanels(product.M, product.K * sizeof(float), panels.Layout, sums, epilogue);
        else
            MultiplyPanels(product.M, product.K * sizeof(float), panels.Layout, sums, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(new() { Y = product.Y, Stride = product.StrideY }, default));
    }

    /// <summary>A matrix in panels of F32.</summary>
    private protected readonly record struct PackedMatrix(nint Panels, PackedLayout Layout)
    {
        public byte* Address => (byte*)Panels;
    }

    /// <summary>Stores a weight [N, K] in panels: as the right side of x · weightᵀ, or not transposed, of dy · weight.</summary>
    private protected PackedMatrix Panels(in ScratchFrame frame, in View weight, bool transposed) => transposed
        ? Panels(frame, weight.F32, weight.Shape[0], weight.Columns, weight.Columns, 1)
        : Panels(frame, weight.F32, weight.Columns, weight.Shape[0], 1, weight.Columns);

    private PackedMatrix Panels(in ScratchFrame frame, float* b, int columns, int depth, nint stride, nint step)
    {
        PackedLayout layout = new(WeightFormat.F32, columns, depth, V.Count);
        View panels = frame.Take([checked((int)(layout.Bytes / sizeof(float)))]);
        PackingJob<V> packing = new(b, stride, step, new PackedView(panels.Address, WeightFormat.F32, columns, depth), layout, null, 0);
        Workers.Run(layout.Panels.Parts, ref packing);
        return new(panels.Address, layout);
    }

    /// <summary>Computes the product of so many rows of x, without gaps, with a matrix in panels.</summary>
    private protected void MultiplyPanels<TEpilogue>(float* x, int rows, in PackedMatrix matrix, TEpilogue epilogue)
        where TEpilogue : struct, IEpilogue
    {
        int inputs = matrix.Layout.Inputs;
        MultiplyPanels(rows, inputs * sizeof(float), matrix.Layout, new FloatPanelProduct<V, SingleElement<V>>(x, inputs, inputs, matrix.Address, matrix.Layout), epilogue);
    }

    /// <summary>Computes a product with a packed matrix.</summary>
    /// <param name="rowBytes">Bytes of a row of the other matrix, as the product reads it.</param>
    private protected void MultiplyPanels<TProduct, TEpilogue>(int rows, int rowBytes, in PackedLayout layout, TProduct product, TEpilogue epilogue)
        where TProduct : struct, IPanelProduct
        where TEpilogue : struct, IEpilogue
    {
        PackedPlan plan = new(rows, rowBytes, layout);
        using ScratchFrame frame = OpenScratch();
        float* tiles = frame.Take([Workers.Threads * PackedJob<TProduct, TEpilogue>.ScratchPerWorker]).F32;
        PackedJob<TProduct, TEpilogue> job = new(plan, layout, tiles, product, epilogue);
        Workers.Run(plan.Tasks, ref job);
    }

    private static MatMulArguments Matrix(in MatMulArguments arguments, int outer, int inner) => arguments with
    {
        A = Move(arguments.A, outer * arguments.OuterStrideA + inner * arguments.InnerStrideA),
        B = Move(arguments.B, outer * arguments.OuterStrideB + inner * arguments.InnerStrideB),
        Y = Move(arguments.Y, outer * arguments.OuterStrideY + inner * arguments.InnerStrideY),
    };

    private static nint Move(nint address, long elements) => address + (nint)(elements * sizeof(float));
}
