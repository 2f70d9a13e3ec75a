using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Twin of <c>Tail</c> in <c>tail.cuh</c>.</summary>
    private readonly record struct TailArguments(
        nint Y, nint PreActivation, nint Bias, nint Residual, nint Factors, long Stride, float Alpha, float Beta, int Columns, int RowsPerFactor, uint Activation, uint IsAligned,
        InnerOperands Inner, int Padding = 0);

    private readonly record struct ProductArguments(
        nint A, nint B, int StrideA, int StrideB, long OuterA, long OuterB, long OuterY, long InnerA, long InnerB, long InnerY, long PartY, TailArguments Tail,
        int M, int N, int K, int PartDepth, int TilesM, int TilesN, int Inner, uint AlongA, uint AlongB, uint IsAlignedA, uint IsAlignedB, int Padding = 0);

    private readonly record struct PartsArguments(nint Parts, long Apart, long Stride, TailArguments Tail, int M, int Count, uint IsInner, int Padding = 0);

    /// <summary>Which operands of a tail are BF16; twin of <c>Inner</c> in <c>tail.cuh</c>.</summary>
    [Flags]
    private enum InnerOperands : uint
    {
        None = 0,
        Y = 1,
        PreActivation = 2,
        Residual = 4,
    }

    /// <summary>Modules by <see cref="CudaPrecision"/>, and those for a matrix b of brain floats.</summary>
    private static readonly ProductKernels[] s_productKernels = [new("product_fp32"), new("product_tf32"), new("product_bf16")];
    private static readonly ProductKernels[] s_packedKernels = [new("packed_fp32"), new("packed_tf32"), new("packed_bf16")];

    /// <summary>Modules for a matrix a of brain floats, and for two.</summary>
    private static readonly ProductKernels s_innerKernels = new("product_inner_a"), s_innermostKernels = new("product_inner");

    /// <summary>A plan to use instead of the one chosen, so that every kernel can be tried on small products.</summary>
    internal ProductPlan? ForcedPlan { get; set; }

    public override void MatMul(in MatMulArguments arguments)
    {
        RequireInner(nameof(MatMul), arguments.TypeA);
        RequireInner(nameof(MatMul), arguments.TypeB);
        RequireInner(nameof(MatMul), arguments.TypeY);
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
    private void Multiply(in MatMulArguments x, in TailArguments tail)
    {
        long matrices = (long)x.OuterBatch * x.InnerBatch, part = (long)x.M * x.N;
        ProductPlan plan = ForcedPlan ?? ProductPlan.Choose(x.M, x.N, x.K, matrices, context.Multiprocessors);
        using ScratchFrame scratch = OpenScratch();
        TailArguments direct = tail;
        if (plan.Parts > 1)
        {
            View parts = scratch.Take([checked((int)(plan.Parts * part))]);
            direct = new TailArguments(parts.Address, 0, 0, 0, 0, x.N, 1, 0, x.N, 1, 0, IsAligned(x.N % 4 == 0), InnerOperands.None);
        }

        ProductKernels kernels = (x.TypeA, x.TypeB) switch
        {
            (DType.F32, DType.F32) => s_productKernels[(int)precision],
            (DType.F32, _) => s_packedKernels[(int)precision],
            (_, DType.F32) => s_innerKernels,
            _ => s_innermostKernels,
        };
        Launch(_kernels[kernels.Module, kernels[plan.Tile]], Arrange(x, direct, plan, part), (plan.Blocks(x.M, x.N) * matrices, plan.Parts, 1), plan.Threads);
        if (plan.Parts > 1)
            AddParts(direct.Y, DType.F32, part, x.N, plan.Parts, x.M, tail);
    }

    private static ProductArguments Arrange(in MatMulArguments x, in TailArguments tail, in ProductPlan plan, long part) => new(
        x.A, x.B, x.StrideA, x.StrideB, x.OuterStrideA, x.OuterStrideB, x.OuterStrideY, x.InnerStrideA, x.InnerStrideB, x.InnerStrideY, part, tail,
        x.M, x.N, x.K, plan.PartDepth, ((x.M - 1) / plan.Tile) + 1, ((x.N - 1) / plan.Tile) + 1, x.InnerBatch, x.TransposeA ? 0u : 1u, x.TransposeB ? 1u : 0u,
        IsAligned(AreQuads(x.A, x.TypeA, x.StrideA, x.OuterStrideA, x.InnerStrideA)), IsAligned(AreQuads(x.B, x.TypeB, x.StrideB, x.OuterStrideB, x.InnerStrideB)));

    /// <summary>y = tail(the sum of parts): y may be the only one.</summary>
    private void AddParts(nint parts, DType type, long apart, int stride, int count, int rows, in TailArguments tail)
    {
        bool areQuads = tail.IsAligned != 0 && AreQuads(parts, type, apart, stride), isInner = type != DType.F32;
        PartsArguments arguments = new(parts, apart, stride, tail with { IsAligned = IsAligned(areQuads) }, rows, count, isInner ? 1u : 0u);
        LaunchOver(_kernels["product_parts", isInner || tail.Inner != 0 ? "product_parts_inner" : "product_parts"], arguments, checked((uint)((long)rows * ((tail.Columns + 3) / 4))));
    }

    /// <summary>alpha · product + beta · y.</summary>
    private static TailArguments PlainTail(in MatMulArguments x) => new(
        x.Y, 0, 0, x.Beta == 0 ? 0 : x.Y, 0, x.StrideY, x.Alpha, x.Beta, x.N, 1, 0, IsAligned(AreQuads(x.Y, x.TypeY, x.StrideY, x.OuterStrideY, x.InnerStrideY)),
        x.TypeY == DType.F32 ? InnerOperands.None : InnerOperands.Y | InnerOperands.Residual);

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
        A = Move(x.A, x.TypeA, (outer * x.OuterStrideA) + (inner * x.InnerStrideA)),
        B = Move(x.B, x.TypeB, (outer * x.OuterStrideB) + (inner * x.InnerStrideB)),
        Y = Move(x.Y, x.TypeY, (outer * x.OuterStrideY) + (inner * x.InnerStrideY)),
    };

    private static nint Move(nint address, DType type, long elements) => address + (nint)(elements * type.Size());

    /// <summary>Whether elements at multiples of 4 from an address, and of strides from there, lie on 4 times their size.</summary>
    private static bool AreQuads(nint address, DType type, long first, long second = 0, long third = 0) =>
        address % (QuadElements * type.Size()) == 0 && (first | second | third) % QuadElements == 0;

    private static uint IsAligned(bool value) => value ? 1u : 0u;
}
