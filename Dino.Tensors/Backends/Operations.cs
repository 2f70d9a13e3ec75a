namespace Dino.Tensors.Backends;

/// <summary>Elementwise functions of one operand. <c>a</c> and <c>b</c> are the operation's constants.</summary>
public enum UnaryOp : byte
{
    /// <summary>a x + b.</summary>
    Affine,

    /// <summary>|x|.</summary>
    Abs,

    /// <summary>e^x.</summary>
    Exp,

    /// <summary>Natural logarithm.</summary>
    Log,

    /// <summary>Square root.</summary>
    Sqrt,

    /// <summary>1 / sqrt(x).</summary>
    Rsqrt,

    /// <summary>1 / x.</summary>
    Reciprocal,

    /// <summary>x².</summary>
    Square,

    /// <summary>x^a.</summary>
    Power,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>x sigmoid(x).</summary>
    Silu,

    /// <summary>log(1 + e^x), x itself above 20 as in torch.</summary>
    Softplus,

    /// <summary>max(x, 0); NaN stays NaN.</summary>
    Relu,

    /// <summary>The error function.</summary>
    Erf,

    /// <summary>x/2 (1 + erf(x / √2)), the exact form.</summary>
    Gelu,

    /// <summary>The tanh approximation of GELU.</summary>
    GeluTanh,

    /// <summary>min(max(x, a), b); NaN stays NaN. Gradient passes where a ≤ x ≤ b.</summary>
    Clamp,

    /// <summary>-1, 0 or 1; no gradient.</summary>
    Sign,

    /// <summary>Nearest integer, ties to even; no gradient.</summary>
    Round,

    /// <summary>Largest integer not above x; no gradient.</summary>
    Floor,

    /// <summary>1 where x is NaN, else 0; no gradient.</summary>
    IsNaN,
}

/// <summary>Elementwise functions of two operands.</summary>
public enum BinaryOp : byte
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>The larger; NaN if either is.</summary>
    Maximum,

    /// <summary>The smaller; NaN if either is.</summary>
    Minimum,

    /// <summary>1 where a equals b, else 0.</summary>
    Equal,

    /// <summary>1 where a is less than b, else 0.</summary>
    Less,

    /// <summary>a where b is not 0, else 0: a selection, so NaN and infinities that b hides leave nothing behind.</summary>
    Mask,
}

/// <summary>How the second operand of a binary operation is repeated over the first, seen as [rows, columns].</summary>
public enum Broadcast : byte
{
    /// <summary>Same shape.</summary>
    None,

    /// <summary>b is [columns], repeated for every row.</summary>
    Row,

    /// <summary>b is [rows], repeated along every row.</summary>
    Column,

    /// <summary>b is one element.</summary>
    Scalar,
}

/// <summary>Reductions.</summary>
public enum ReduceOp : byte
{
    /// <summary>Σ x.</summary>
    Sum,

    /// <summary>Σ x².</summary>
    SumOfSquares,

    /// <summary>Σ |x|.</summary>
    SumOfMagnitudes,

    /// <summary>Largest; NaN if any is.</summary>
    Max,

    /// <summary>Smallest; NaN if any is.</summary>
    Min,
}

/// <summary>The function that a linear layer applies to its output.</summary>
public enum Activation : byte
{
    /// <summary>None.</summary>
    Identity,

    /// <summary>GELU, exact (erf) form.</summary>
    Gelu,

    /// <summary>max(x, 0).</summary>
    Relu,
}

/// <summary>
/// y = alpha · op(a) · op(b) + beta · y for a batch of row-major matrices: op(a) is [M, K], op(b) is [K, N], y is [M, N].
/// </summary>
public readonly record struct MatMulArguments
{
    /// <summary>First element of a, b and y.</summary>
    public nint A { get; init; }

    /// <inheritdoc cref="A"/>
    public nint B { get; init; }

    /// <inheritdoc cref="A"/>
    public nint Y { get; init; }

    /// <summary>Rows of y.</summary>
    public int M { get; init; }

    /// <summary>Columns of y.</summary>
    public int N { get; init; }

    /// <summary>The summed length.</summary>
    public int K { get; init; }

    /// <summary>a is stored [K, M].</summary>
    public bool TransposeA { get; init; }

    /// <summary>b is stored [N, K].</summary>
    public bool TransposeB { get; init; }

    /// <summary>Elements between the starts of stored rows.</summary>
    public int StrideA { get; init; }

    /// <inheritdoc cref="StrideA"/>
    public int StrideB { get; init; }

    /// <inheritdoc cref="StrideA"/>
    public int StrideY { get; init; }

    /// <summary>Element type of a: F32, or the backend's <see cref="Backend.InnerType"/>; strides count elements of it.</summary>
    public DType TypeA { get; init; }

    /// <inheritdoc cref="TypeA"/>
    public DType TypeB { get; init; }

    /// <inheritdoc cref="TypeA"/>
    public DType TypeY { get; init; }

    /// <summary>Factor of the product.</summary>
    public float Alpha { get; init; }

    /// <summary>Factor of what y holds; 0 means y is written without being read.</summary>
    public float Beta { get; init; }

    /// <summary>Number of matrices: an outer and an inner batch axis, each with its own stride (heads within samples).</summary>
    public int OuterBatch { get; init; }

    /// <inheritdoc cref="OuterBatch"/>
    public int InnerBatch { get; init; }

    /// <summary>Elements between matrices of the outer batch; 0 repeats one matrix.</summary>
    public long OuterStrideA { get; init; }

    /// <inheritdoc cref="OuterStrideA"/>
    public long OuterStrideB { get; init; }

    /// <inheritdoc cref="OuterStrideA"/>
    public long OuterStrideY { get; init; }

    /// <summary>Elements between matrices of the inner batch; 0 repeats one matrix.</summary>
    public long InnerStrideA { get; init; }

    /// <inheritdoc cref="InnerStrideA"/>
    public long InnerStrideB { get; init; }

    /// <inheritdoc cref="InnerStrideA"/>
    public long InnerStrideY { get; init; }

    /// <summary>One product of dense matrices, alpha 1, beta 0.</summary>
    public static MatMulArguments Single(nint a, nint b, nint y, int m, int n, int k, bool transposeA = false, bool transposeB = false) => new()
    {
        A = a, B = b, Y = y, M = m, N = n, K = k,
        TransposeA = transposeA, TransposeB = transposeB,
        StrideA = transposeA ? m : k, StrideB = transposeB ? k : n, StrideY = n,
        Alpha = 1f, Beta = 0f, OuterBatch = 1, InnerBatch = 1,
    };
}

/// <summary>Geometry of a convolution or pooling window over channels-last pictures [N, H, W, C].</summary>
public readonly record struct Window(
    int KernelHeight, int KernelWidth, int StrideY, int StrideX, int PadTop, int PadLeft, int DilationY, int DilationX,
    int OutputHeight, int OutputWidth);

/// <summary>Pooling functions.</summary>
public enum PoolOp : byte
{
    /// <summary>Largest element; the first one wins a tie, padding never does.</summary>
    Max,

    /// <summary>Mean over the window, padding counted as zeros.</summary>
    AverageWithPadding,

    /// <summary>Mean over the part of the window inside the picture.</summary>
    Average,
}

/// <summary>A run of a flat parameter buffer that one optimizer step treats alike.</summary>
/// <param name="Offset">First element.</param>
/// <param name="Length">Number of elements.</param>
/// <param name="LearningRate">Learning rate of this segment.</param>
/// <param name="WeightDecay">Weight decay of this segment.</param>
/// <param name="Step">Updates of this segment including this one, from 1: drives bias correction and first-use of buffers.</param>
/// <param name="Adapt">LARS only: scale by the trust ratio.</param>
/// <param name="Norm">Position of its gradient's norm in <see cref="SweepExtras.Norms"/>.</param>
public readonly record struct Segment(long Offset, long Length, float LearningRate, float WeightDecay, int Step, bool Adapt = true, int Norm = 0);

/// <summary>Constants of an AdamW or Adam step.</summary>
/// <param name="Beta1">Decay of the first moment; double, because 1 - beta keeps few digits of a float beta.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the bias-corrected root of the second moment.</param>
/// <param name="Decoupled">AdamW: decay shrinks the weight directly; otherwise it is added to the gradient (Adam with L2).</param>
public readonly record struct AdamConstants(double Beta1, double Beta2, float Epsilon, bool Decoupled = true);

/// <summary>Constants of an SGD step.</summary>
public readonly record struct SgdConstants(float Momentum, float Dampening, bool Nesterov);

/// <summary>Constants of a LARS step.</summary>
public readonly record struct LarsConstants(float Momentum, float TrustCoefficient);
