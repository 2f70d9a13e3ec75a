using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Writes the panels of a packed matrix, one a task.</summary>
/// <param name="stride">From one column of the product to the next: a row of a weight [N, K].</param>
/// <param name="step">From one k to the next. Not 1 means a matrix [K, N], whose columns lie side by side; F32 panels only.</param>
internal readonly unsafe struct PackingJob<V>(float* weight, nint stride, nint step, in PackedView packed, in PackedLayout layout, byte* scratch, long scratchPerWorker) : IJob
    where V : struct, IVec<V>
{
    private readonly PackedLayout _layout = layout;
    private readonly WeightFormat _format = packed.Format;
    private readonly byte* _target = (byte*)packed.Address;
    private readonly int _outputs = packed.Outputs;
    private readonly int _inputs = packed.Inputs;

    /// <summary>Bytes of scratch that each worker needs.</summary>
    public static long ScratchPerWorker(in PackedLayout layout, WeightFormat format, int inputs) => format switch
    {
        WeightFormat.BF16 => (long)Plan.MaxDepth * layout.Width(0) * sizeof(float),
        WeightFormat.I8 => ByteRows<V>.Stride(inputs),
        _ => 0,
    };

    public void Run(int panel, int worker)
    {
        int first = _layout.FirstColumn(panel), width = _layout.Width(panel);
        if (step != 1)
        {
            Debug.Assert(_format == WeightFormat.F32 && stride == 1, "Narrow formats are for weights [N, K].");
            Panels<V>.CopyRows(weight + first, step, _inputs, Math.Min(width, _outputs - first), width / V.Count, 1, (float*)(_target + _layout.PanelOffset(panel)));
            return;
        }

        float* rows = weight + first * stride;
        byte* target = _target + _layout.PanelOffset(panel);
        int columns = Math.Min(width, _outputs - first);
        byte* work = scratch + (nint)worker * (nint)scratchPerWorker;
        if (_format == WeightFormat.F32)
            Panels<V>.CopyColumns(rows, stride, _inputs, columns, width / V.Count, 1, (float*)target);
        else if (_format == WeightFormat.BF16)
            Round(rows, columns, width, (float*)work, (ushort*)target);
        else
            Quantize(rows, columns, first, width, work, target);
    }

    private void Round(float* rows, int columns, int width, float* work, ushort* target)
    {
        Split depths = Split.AtMost(_inputs, Plan.MaxDepth);
        for (int d = 0; d < depths.Parts; d++)
        {
            int depth = depths.Length(d);
            Panels<V>.CopyColumns(rows + depths.Start(d), stride, depth, columns, width / V.Count, 1, work);
            Conversions.Convert(DType.F32, (nint)work, DType.BF16, (nint)(target + (nint)depths.Start(d) * width), 0, (long)depth * width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Quantize(float* rows, int columns, int first, int width, byte* work, byte* target)
    {
        const uint SignBits = 0x80808080;
        float* scales = (float*)(_target + _layout.ScalesOffset), sums = scales + _layout.Columns;
        uint* fours = (uint*)target;
        int depth = _layout.ColumnBytes;
        for (int j = 0; j < width; j++)
        {
            (float scale, int sum) = (0, 0);
            if (j < columns)
            {
                ByteRows<V>.QuantizeWeight(rows + j * stride, _inputs, work, out scale);
                for (int k = 0; k < _inputs; k++)
                    sum += work[k] - 128;
                // 128 stands for zero: what fills K up must add nothing.
                new Span<byte>(work + _inputs, depth - _inputs).Fill(128);
            }

            // Flipping the sign bit takes 128 off.
            for (int k = 0; k < depth; k += 4)
                fours[(nint)(k / 4) * width + j] = j < columns ? *(uint*)(work + k) ^ SignBits : 0;
            (scales[first + j], sums[first + j]) = (scale, scale * sum);
        }
    }
}
