using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Twin of <c>Tail</c> in <c>tail.cuh</c>.</summary>
    private readonly record struct TailArguments(
        nint Y, nint PreActivation, nint Bias, nint Residual, nint Factors, long Stride, float Alpha, float Beta, int Columns, int RowsPerFactor, uint Activation, uint IsAligned);

    private readonly record struct ProductArguments(
        nint A, nint B, int StrideA, int StrideB, long OuterA, long OuterB, long OuterY, long InnerA, long InnerB, long InnerY, long PartY, TailArguments Tail,
        int M, int N, int K, int PartDepth, int TilesM, int TilesN, int Inner, uint AlongA, uint AlongB, uint IsAlignedA, uint IsAlignedB);

    private readonly record struct PartsArguments(nint Parts, long Apart, long Stride, TailArguments Tail, int M, int Count);

    /// <summary>Modules by <see cref="CudaPrecision"/>.</summary>
    private static readonly ProductKernels[] s_productKernels = [new("product_fp32"), new("product_tf32"), new("product_bf16")];

    /// <summary>A plan to use instead of the one chosen, so that every kernel can be tried on small products.</summary>
    internal ProductPlan? ForcedPlan { get; set; }

    public override void MatMul(in MatMulArguments arguments)
    {
        if (arguments.M <= 0 || arguments.N <= 0 || arguments.OuterBatch <= 0 || arguments.InnerBatch <= 0)
            return;
        // Matrices that land on one y are meant to follow each other there.
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
            MatMulArguments product = Simplify(arguments);
            if (!TryMultiplyByLibrary(product, 0, product.Y, product.Beta))
                Multiply(product, PlainTail(product));
        }
    }

    /// <summary>Computes a batch of products with the own kernels, each element followed by the tail; the tail of several matrices is a plain one.</summary>
    private void Multiply(in MatMulArguments x, in TailArguments tail) => Multiply(x, tail, s_productKernels[(int)precision], sizeof(float));

    /// <param name="bytesB">Size of the elements of b.</param>
    private void Multiply(in MatMulArguments x, in TailArguments tail, ProductKernels kernels, int bytesB)
    {
        long matrices = (long)x.OuterBatch * x.InnerBatch, part = (long)x.M * x.N;
        ProductPlan plan = ForcedPlan ?? ProductPlan.Choose(x.M, x.N, x.K, matrices, context.Multiprocessors);
        using ScratchFrame scratch = OpenScratch();
        TailArguments direct = tail;
        if (plan.Parts > 1)
        {
            View parts = scratch.Take([checked((int)(plan.Parts * part))]);
            direct = new TailArguments(parts.Address, 0, 0, 0, 0, x.N, 1, 0, x.N, 1, 0, IsAligned(x.N % 4 == 0));
        }

        ProductArguments arguments = Arrange(x, direct, plan, part, bytesB);
        Launch(_kernels[kernels.Module, kernels[plan.Tile]], arguments, (plan.Blocks(x.M, x.N) * matrices, plan.Parts, 1), plan.Threads);
        if (plan.Parts > 1)
            AddParts(direct.Y, part, x.N, plan.Parts, x.M, tail);
    }

    private static ProductArguments Arrange(in MatMulArguments x, in TailArguments tail, in ProductPlan plan, long part, int bytesB) => new(
        x.A, x.B, x.StrideA, x.StrideB, x.OuterStrideA, x.OuterStrideB, x.OuterStrideY, x.InnerStrideA, x.InnerStrideB, x.InnerStrideY, part, tail,
        x.M, x.N, x.K, plan.PartDepth, ((x.M - 1) / plan.Tile) + 1, ((x.N - 1) / plan.Tile) + 1, x.InnerBatch, x.TransposeA ? 0u : 1u, x.TransposeB ? 1u : 0u,
        IsAligned(AreQuads(x.A, x.StrideA, x.OuterStrideA, x.InnerStrideA)),
        // The rule for addresses of quads of floats holds of narrower ones as well.
        IsAligned(AreQuads(x.B * (sizeof(float) / bytesB), x.StrideB, x.OuterStrideB, x.InnerStrideB)));

    /// <summary>y = tail(the sum of parts): y may be the only one.</summary>
    private void AddParts(nint parts, long apart, int stride, int count, int rows, in TailArguments tail)
    {
        bool areQuads = tail.IsAligned != 0 && AreQuads(parts, apart, stride);
        PartsArguments arguments = new(parts, apart, stride, tail with { IsAligned = IsAligned(areQuads) }, rows, count);
        LaunchOver(_kernels["product_parts", "product_parts"], arguments, checked((uint)((long)rows * ((tail.Columns + 3) / 4))));
    }

    /// <summary>alpha · product + beta · y.</summary>
    private static TailArguments PlainTail(in MatMulArguments x) => new(
        x.Y, 0, 0, x.Beta == 0 ? 0 : x.Y, 0, x.StrideY, x.Alpha, x.Beta, x.N, 1, 0, IsAligned(AreQuads(x.Y, x.StrideY, x.OuterStrideY, x.InnerStrideY)));

    /// <summary>A batch that shares b and follows on in a and y is one tall product.</summary>
    private static MatMulArguments Simplify(MatMulArguments x)
    {
        long rowStrideA = x.TransposeA ? 1 : x.StrideA;
        if (x.InnerBatch > 1 && x.InnerStrideB == 0 && x.InnerStrideA == x.M * rowStrideA && x.InnerStrideY == x.M * (long)x.StrideY && (long)x.InnerBatch * x.M <= int.MaxValue)
            x = x with { M = x.M * x.InnerBatch, InnerBatch = 1 };
        if (x.InnerBatch == 1 && x.OuterBatch > 1 && x.OuterStrideB == 0 && x.OuterStrideA == x.M * rowStrideA && x.OuterStrideY == x.M * (long)x.StrideY && (long)x.OuterBatch * x.M <= int.MaxValue)
            x = x with { M = x.M * x.OuterBatch, OuterBatch = 1 };
        return x;
    }

    private static MatMulArguments Matrix(in MatMulArguments x, int outer, int inner) => x with
    {
        A = Move(x.A, (outer * x.OuterStrideA) + (inner * x.InnerStrideA)),
        B = Move(x.B, (outer * x.OuterStrideB) + (inner * x.InnerStrideB)),
        Y = Move(x.Y, (outer * x.OuterStrideY) + (inner * x.InnerStrideY)),
    };

    private static nint Move(nint address, long elements) => address + (nint)(elements * sizeof(float));

    /// <summary>Whether floats at multiples of 4 from an address, and of strides from there, lie on 16 bytes.</summary>
    private static bool AreQuads(nint address, long first, long second = 0, long third = 0) => address % 16 == 0 && (first | second | third) % 4 == 0;

    private static uint IsAligned(bool value) => value ? 1u : 0u;
}
