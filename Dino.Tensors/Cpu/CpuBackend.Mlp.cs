using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <remarks>
/// An MLP is computed a run of rows at a time, both layers, so that the hidden values, four times as wide as what goes in and out, never leave the caches: only
/// what GELU was applied to is kept for the gradient, which goes the same way back. The runs depend on the shape alone.
/// </remarks>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Mlp(in View x, in MlpViews mlp, in View preActivation, in View residual, in View samples, in View factors, in View y)
    {
        (int rows, int inputs, int width, int outputs) = (checked((int)x.Rows), x.Columns, mlp.FirstWeight.Shape[0], y.Columns);
        if (!ComesInRuns(rows, mlp))
        {
            base.Mlp(x, mlp, preActivation, residual, samples, factors, y);
            return;
        }

        LinearTail tail = new() { Y = y.F32, Stride = outputs, Bias = mlp.SecondBias.F32, Residual = residual.F32, Factors = factors.F32, RowsPerFactor = factors.Exists ? checked((int)(rows / factors.Count)) : 1 };
        if (samples.Exists)
        {
            CheckIndices(samples, y.Shape);
            CopyOthers(residual, samples, y);
            tail = tail with { Rows = new SampleRows(samples, rows) };
        }

        using ScratchFrame scratch = OpenScratch();
        PackedMatrix first = Panels(scratch, mlp.FirstWeight, transposed: true), second = Panels(scratch, mlp.SecondWeight, transposed: true);
        Split runs = Split.AtMost(rows, RunRows(inputs));
        float* hidden = scratch.Take([RunRows(inputs), width]).F32;
        for (int run = 0; run < runs.Parts; run++)
        {
            int start = runs.Start(run), count = runs.Length(run);
            LinearTail inner = new() { Y = hidden, Stride = width, Bias = mlp.FirstBias.F32, PreActivation = preActivation.Exists ? preActivation.F32 + ((nint)start * width) : null };
            MultiplyPanels(x.F32 + ((nint)start * inputs), count, first, new LinearEpilogue<V, FloatSums<V>, GeluActivation<V>>(inner, default));
            MultiplyPanels(hidden, count, second, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(tail with { FirstRow = start }, default));
        }
    }

    public override void MlpBackward(in View x, in MlpViews mlp, in View preActivation, in View samples, in View factors, in View dy, in Destination dx, in MlpGradients gradients)
    {
        (int rows, int inputs, int width, int outputs) = (checked((int)x.Rows), x.Columns, preActivation.Columns, dy.Columns);
        if (!ComesInRuns(rows, mlp))
        {
            base.MlpBackward(x, mlp, preActivation, samples, factors, dy, dx, gradients);
            return;
        }

        if (samples.Exists)
            CheckIndices(samples, dy.Shape);
        using ScratchFrame scratch = OpenScratch();
        PackedMatrix first = dx.IsWanted ? Panels(scratch, mlp.FirstWeight, transposed: false) : default, second = Panels(scratch, mlp.SecondWeight, transposed: false);
        Split runs = Split.AtMost(rows, RunRows(inputs));
        View hidden = scratch.Take([RunRows(inputs), width]), inner = scratch.Take([RunRows(inputs), width]);
        View scaled = factors.Exists ? scratch.Take([RunRows(inputs), outputs]) : View.None;
        bool readsHidden = gradients.SecondWeight.IsWanted || gradients.FirstWeight.IsWanted || gradients.FirstBias.IsWanted || dx.IsWanted;
        for (int run = 0; run < runs.Parts; run++)
        {
            int start = runs.Start(run), count = runs.Length(run);
            View branch = factors.Exists ? scaled.Slice(0, [count, outputs]) : dy.Slice((long)start * outputs, [count, outputs]);
            if (factors.Exists)
            {
                SampleRows places = samples.Exists ? new SampleRows(samples, rows) : default;
                Ranges.Run(Workers, count, outputs, new ScaledRows(dy.F32, places, factors.F32, rows / (int)factors.Count, start, branch.F32, outputs));
            }

            if (readsHidden)
                MultiplyPanels(branch.F32, count, second, new GeluGradientEpilogue<V>(preActivation.F32 + ((nint)start * width), hidden.F32, inner.F32, width));
            LinearGradients(branch, hidden.Slice(0, [count, width]), OfRun(gradients.SecondWeight), OfRun(gradients.SecondBias));
            LinearGradients(inner.Slice(0, [count, width]), x.Slice((long)start * inputs, [count, inputs]), OfRun(gradients.FirstWeight), OfRun(gradients.FirstBias));
            if (dx.IsWanted)
            {
                float* target = dx.View.F32 + ((nint)start * inputs);
                LinearTail tail = new() { Y = target, Stride = inputs, Residual = dx.Accumulate ? target : null };
                MultiplyPanels(inner.F32, count, first, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(tail, default));
            }

            // The first run follows what was there before, all others follow it.
            Destination OfRun(in Destination gradient) => gradient with { Accumulate = run > 0 || gradient.Accumulate };
        }
    }

    /// <summary>Whether there is enough to do, and the weights, read for every run, stay in the caches.</summary>
    private static bool ComesInRuns(int rows, in MlpViews mlp) =>
        rows >= PackedPlan.MinRowsToPack && !Product.IsFar(mlp.FirstWeight.Shape[0], mlp.FirstWeight.Columns + mlp.SecondWeight.Shape[0]);

    /// <summary>
    /// The most rows of a run, twice as many as inputs: fewer would not pay for reading both weights and adding to both gradients once in every run, more
    /// would drive what is hidden out of the caches.
    /// </summary>
    private static int RunRows(int inputs) => Math.Max(PackedPlan.MinRowsToPack, 2 * inputs);
}
