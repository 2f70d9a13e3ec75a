using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>
/// Packed weights [N, K]: rows as they are in F32 and BF16; in I8 rows of bytes filled up with zeros to a multiple of 16, behind them the scales [N] and each
/// scale times the sum of its row's integers [N].
/// </summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Twin of <c>ByteProduct</c> in <c>packed_i8.cu</c>.</summary>
    private readonly record struct ByteProductArguments(ProductArguments Product, nint Scales, nint Leasts, nint WeightScales, nint WeightSums);

    private readonly record struct QuantizeArguments(nint X, nint Bytes, nint Scales, nint Others, long Rows, int Columns, int Words);

    /// <summary>The module for weights of bytes.</summary>
    private static readonly ProductKernels s_byteKernels = new("packed_i8");

    public override long PackedBytes(WeightFormat format, int outputs, int inputs) =>
        format == WeightFormat.I8 ? ScalesOffset(outputs, inputs) + (2L * outputs * sizeof(float)) : base.PackedBytes(format, outputs, inputs);

    public override void Pack(in View weight, in PackedView packed)
    {
        if (packed.Format != WeightFormat.I8)
        {
            base.Pack(weight, packed);
            return;
        }

        (nint scales, nint sums) = Scales(packed);
        QuantizeRows("quantize_weight", weight.Address, packed.Outputs, packed.Inputs, packed.Address, scales, sums);
    }

    public override void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y)
    {
        RequireInner(nameof(PackedLinear), x.DType);
        RequireInner(nameof(PackedLinear), y.DType);
        RequireF32(nameof(PackedLinear), bias.DType | residual.DType);
        if (y.DType != DType.F32 && residual.Exists)
            throw new NotSupportedException($"PackedLinear: a result with a residual is F32, not {y.DType}.");
        if (y.Count == 0)
            return;
        using ScratchFrame scratch = OpenScratch();
        // Rows are measured in F32 before they become bytes.
        View input = weight.Format == WeightFormat.I8 ? Widened(x, scratch) : x;
        View matrix = new(weight.Address, weight.Format == WeightFormat.BF16 ? DType.BF16 : DType.F32, [weight.Outputs, weight.Inputs]);
        MatMulArguments product = LinearProduct(input, matrix, y);
        TailArguments tail = LinearTail(product, bias, activation, View.None, residual, View.None);
        if (weight.Format == WeightFormat.I8)
            MultiplyBytes(product, weight, tail);
        else if (!TryLinearByLibrary(product, tail))
            Multiply(product, tail);
    }

    private void MultiplyBytes(in MatMulArguments product, in PackedView weight, in TailArguments tail)
    {
        using ScratchFrame scratch = OpenScratch();
        // Four bytes are a word, and words are what the kernel multiplies.
        int words = Words(weight.Inputs);
        View bytes = scratch.Take([product.M, words]), scales = scratch.Take([product.M]), leasts = scratch.Take([product.M]);
        QuantizeRows("quantize_input", product.A, product.M, weight.Inputs, bytes.Address, scales.Address, leasts.Address);
        MatMulArguments ofWords = MatMulArguments.Single(bytes.Address, weight.Address, product.Y, product.M, product.N, words, transposeB: true);
        // Parts would be added before they are values.
        ProductPlan plan = (ForcedPlan ?? ProductPlan.Choose(product.M, product.N, words, 1, context.Multiprocessors)).InOnePart(words);
        (nint weightScales, nint weightSums) = Scales(weight);
        ByteProductArguments arguments = new(Arrange(ofWords, tail, plan, 0), scales.Address, leasts.Address, weightScales, weightSums);
        Launch(_kernels[s_byteKernels.Module, s_byteKernels[plan.Tile]], arguments, (plan.Blocks(product.M, product.N), 1, 1), plan.Threads);
    }

    private void QuantizeRows(string kernel, nint x, int rows, int columns, nint bytes, nint scales, nint others) =>
        LaunchOver(_kernels["quantization", kernel], new QuantizeArguments(x, bytes, scales, others, rows, columns, Words(columns)), 32L * rows);

    /// <summary>Words of four bytes in a stored row.</summary>
    private static int Words(int inputs) => (inputs + 15) / 16 * 4;

    private static (nint Scales, nint Sums) Scales(in PackedView packed)
    {
        nint scales = packed.Address + (nint)ScalesOffset(packed.Outputs, packed.Inputs);
        return (scales, scales + ((nint)packed.Outputs * sizeof(float)));
    }

    private static long ScalesOffset(int outputs, int inputs) => 4L * Words(inputs) * outputs;
}
