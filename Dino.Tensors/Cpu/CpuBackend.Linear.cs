using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

internal sealed unsafe partial class CpuBackend<V>
{
    /// <remarks>Everything after the product is applied to each tile of it while it is in L1: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        Product product = new(MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true));
        LinearTail tail = new()
        {
            Y = y.F32, Stride = y.Columns, Bias = bias.F32, PreActivation = preActivation.F32, Residual = residual.F32,
            Factors = factors.F32, RowsPerFactor = factors.Exists ? checked((int)(x.Rows / factors.Count)) : 1,
        };
        if (activation == Activation.Gelu)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, GeluActivation<V>>(tail, default));
        else if (activation == Activation.Relu)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, ReluActivation<V>>(tail, default));
        else if (tail.IsWanted)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(tail, default));
        else
            Multiply(product, default(NoEpilogue));
    }

    public override void SampleLinear(in View x, in View samples, in View weight, in View bias, in View residual, in View factors, in View y)
    {
        CheckIndices(samples, y.Shape);
        CopyOthers(residual, samples, y);
        Product product = new(MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true));
        LinearTail tail = new()
        {
            Y = y.F32, Stride = y.Columns, Bias = bias.F32, Residual = residual.F32, Factors = factors.F32, RowsPerFactor = checked((int)(x.Rows / factors.Count)),
            Rows = new SampleRows(samples, x.Rows),
        };
        Multiply(product, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(tail, default));
    }

    public override void GatherScaled(in View x, in View samples, in View factors, in View y)
    {
        CheckIndices(samples, x.Shape);
        long each = y.Count / samples.Count;
        Ranges.Run(Workers, samples.Count, each, new ScaledRows(x.F32, new SampleRows(samples, samples.Count), factors.F32, 1, 0, y.F32, checked((int)each)));
    }

    /// <summary>The residual where no sample is computed, in the runs that lie between samples.</summary>
    private static void CopyOthers(in View residual, in View samples, in View y)
    {
        long each = y.Bytes / y.Shape[0];
        int next = 0;
        for (int i = 0; i <= samples.Count; i++)
        {
            int sample = i < samples.Count ? samples.I32[i] : y.Shape[0];
            if (sample > next)
                Buffer.MemoryCopy((byte*)residual.Address + (next * each), (byte*)y.Address + (next * each), (sample - next) * each, (sample - next) * each);
            next = sample + 1;
        }
    }
}
