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
        PackingJob<V> job = new(weight, packed, layout, (byte*)scratch.Address, perWorker);
        Workers.Run(layout.Panels.Parts, ref job);
    }

    /// <remarks>Bias, activation and residual are applied to each tile of the product while it is in L1: y is written once.</remarks>
    public override void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y)
    {
        if (y.Count == 0)
            return;
        int rows = checked((int)x.Rows);
        PackedLayout layout = new(weight.Format, weight.Outputs, weight.Inputs, V.Count);
        Addend addend = new(bias.F32, residual.F32, y.F32, activation);
        byte* values = (byte*)weight.Address;
        using ScratchFrame frame = OpenScratch();
        if (weight.Format == WeightFormat.F32)
        {
            Multiply(rows, weight, layout, weight.Inputs * sizeof(float), new FloatPanelProduct<V, SingleElement<V>>(x.F32, weight.Inputs, values, layout), default(FloatSums<V>), addend);
            return;
        }

        if (weight.Format == WeightFormat.BF16)
        {
            Multiply(rows, weight, layout, weight.Inputs * sizeof(float), new FloatPanelProduct<V, BFloat16Element<V>>(x.F32, weight.Inputs, values, layout), default(FloatSums<V>), addend);
            return;
        }

        int stride = (int)ByteRows<V>.Stride(weight.Inputs);
        byte* bytes = (byte*)frame.Take([rows, stride], DType.U8).Address;
        float* scales = frame.Take([rows]).F32, leasts = frame.Take([rows]).F32, weightScales = (float*)(values + layout.ScalesOffset);
        Ranges.Run(Workers, rows, weight.Inputs, new ByteRowsRange<V>(x.F32, weight.Inputs, bytes, scales, leasts));
        ByteSums<V> sums = new(scales, leasts, weightScales, weightScales + layout.Columns);
        // All of them give the same integers.
        if (V.Count >= VnniBytes.Count && VnniBytes.IsSupported)
            Multiply(rows, weight, layout, stride, new BytePanelProduct<VnniBytes>(bytes, stride, values, layout), sums, addend);
        else if (V.Count >= Avx2Bytes.Count && Avx2Bytes.IsSupported)
            Multiply(rows, weight, layout, stride, new BytePanelProduct<Avx2Bytes>(bytes, stride, values, layout), sums, addend);
        else if (Ssse3Bytes.IsSupported)
            Multiply(rows, weight, layout, stride, new BytePanelProduct<Ssse3Bytes>(bytes, stride, values, layout), sums, addend);
        else
            Multiply(rows, weight, layout, stride, new BytePanelProduct<PortableBytes>(bytes, stride, values, layout), sums, addend);
    }

    private void Multiply<TProduct, TSums>(int rows, in PackedView weight, in PackedLayout layout, int rowBytes, TProduct product, TSums sums, in Addend addend)
        where TProduct : struct, IPanelProduct
        where TSums : struct, ITileSums<V>
    {
        if (addend.Activation == Activation.Gelu)
            Multiply(rows, weight, layout, rowBytes, product, new PackedEpilogue<V, TSums, GeluActivation<V>>(sums, weight.Outputs, addend.Bias, addend.Residual, addend.Y));
        else if (addend.Activation == Activation.Relu)
            Multiply(rows, weight, layout, rowBytes, product, new PackedEpilogue<V, TSums, ReluActivation<V>>(sums, weight.Outputs, addend.Bias, addend.Residual, addend.Y));
        else
            Multiply(rows, weight, layout, rowBytes, product, new PackedEpilogue<V, TSums, IdentityActivation<V>>(sums, weight.Outputs, addend.Bias, addend.Residual, addend.Y));
    }

    private void Multiply<TProduct, TEpilogue>(int rows, in PackedView weight, in PackedLayout layout, int rowBytes, TProduct product, TEpilogue epilogue)
        where TProduct : struct, IPanelProduct
        where TEpilogue : struct, ITileEpilogue
    {
        PackedPlan plan = new(rows, weight.Inputs, rowBytes, layout);
        using ScratchFrame frame = OpenScratch();
        float* tiles = frame.Take([Workers.Threads * PackedJob<TProduct, TEpilogue>.ScratchPerWorker]).F32;
        PackedJob<TProduct, TEpilogue> job = new(plan, layout, weight.Outputs, tiles, product, epilogue);
        Workers.Run(plan.Tasks, ref job);
    }

    /// <summary>What is added to a product, and where the sum goes.</summary>
    private readonly struct Addend(float* bias, float* residual, float* y, Activation activation)
    {
        public readonly float* Bias = bias, Residual = residual, Y = y;
        public readonly Activation Activation = activation;
    }
}
