using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

internal sealed unsafe partial class CpuBackend<V>
{
    public override long PackedBytes(WeightFormat format, int outputs, int inputs) => new PackedLayout(format, outputs, inputs, V.Count).Bytes;

    public override void Pack(in View weight, in PackedView packed)
    {
        PackedLayout layout = new(packed.Format, packed.Outputs, packed.Inputs, V.Count);
        long perWorker = PackingJob<V>.ScratchPerWorker(layout, packed.Format, packed.Inputs);
        using ScratchFrame frame = OpenScratch();
        View scratch = frame.Take([checked((int)(Workers.Threads * perWorker))], DType.U8);
        PackingJob<V> job = new(weight.F32, packed.Inputs, 1, packed, layout, (byte*)scratch.Address, perWorker);
        Workers.Run(layout.Panels.Parts, ref job);
    }

    /// <remarks>Bias, activation and residual are applied to each tile of the product while it is in L1: y is written once.</remarks>
    public override void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y)
    {
        if (y.Count == 0)
            return;
        int rows = checked((int)x.Rows);
        PackedLayout layout = new(weight.Format, weight.Outputs, weight.Inputs, V.Count);
        LinearTail tail = new() { Y = y.F32, Stride = weight.Outputs, Bias = bias.F32, Residual = residual.F32 };
        byte* values = (byte*)weight.Address;
        if (weight.Format == WeightFormat.F32)
        {
            Multiply(rows, weight.Inputs * sizeof(float), layout, new FloatPanelProduct<V, SingleElement<V>>(x.F32, weight.Inputs, weight.Inputs, values, layout), default(FloatSums<V>), tail, activation);
            return;
        }

        if (weight.Format == WeightFormat.BF16)
        {
            Multiply(rows, weight.Inputs * sizeof(float), layout, new FloatPanelProduct<V, BFloat16Element<V>>(x.F32, weight.Inputs, weight.Inputs, values, layout), default(FloatSums<V>), tail, activation);
            return;
        }

        using ScratchFrame frame = OpenScratch();
        int stride = (int)ByteRows<V>.Stride(weight.Inputs);
        byte* bytes = (byte*)frame.Take([rows, stride], DType.U8).Address;
        float* scales = frame.Take([rows]).F32, leasts = frame.Take([rows]).F32, weightScales = (float*)(values + layout.ScalesOffset);
        Ranges.Run(Workers, rows, weight.Inputs, new ByteRowsRange<V>(x.F32, weight.Inputs, bytes, scales, leasts));
        ByteSums<V> sums = new(scales, leasts, weightScales, weightScales + layout.Columns);
        // All of them give the same integers.
        if (V.Count >= VnniBytes.Count && VnniBytes.IsSupported)
            Multiply(rows, stride, layout, new BytePanelProduct<VnniBytes>(bytes, stride, values, layout), sums, tail, activation);
        else if (V.Count >= Avx2Bytes.Count && Avx2Bytes.IsSupported)
            Multiply(rows, stride, layout, new BytePanelProduct<Avx2Bytes>(bytes, stride, values, layout), sums, tail, activation);
        else if (Ssse3Bytes.IsSupported)
            Multiply(rows, stride, layout, new BytePanelProduct<Ssse3Bytes>(bytes, stride, values, layout), sums, tail, activation);
        else
            Multiply(rows, stride, layout, new BytePanelProduct<PortableBytes>(bytes, stride, values, layout), sums, tail, activation);
    }

    private void Multiply<TProduct, TSums>(int rows, int rowBytes, in PackedLayout layout, TProduct product, TSums sums, in LinearTail tail, Activation activation)
        where TProduct : struct, IPanelProduct
        where TSums : struct, ITileSums<V>
    {
        if (activation == Activation.Gelu)
            MultiplyPanels(rows, rowBytes, layout, product, new LinearEpilogue<V, TSums, GeluActivation<V>>(tail, sums));
        else if (activation == Activation.Relu)
            MultiplyPanels(rows, rowBytes, layout, product, new LinearEpilogue<V, TSums, ReluActivation<V>>(tail, sums));
        else
            MultiplyPanels(rows, rowBytes, layout, product, new LinearEpilogue<V, TSums, IdentityActivation<V>>(tail, sums));
    }
}
