using System.Numerics.Tensors;

namespace Dino.Tensors.Cpu;

/// <summary>y[i] = factor · x[row of x], row by row.</summary>
/// <param name="x">Rows of all samples.</param>
/// <param name="rows">Which of them the rows counted here are.</param>
/// <param name="factors">One for each <paramref name="rowsPerFactor"/> of the rows counted here.</param>
/// <param name="rowsPerFactor">See there.</param>
/// <param name="first">Where counting begins.</param>
/// <param name="y">Where the first row goes.</param>
/// <param name="columns">Length of a row.</param>
internal readonly unsafe struct ScaledRows(float* x, SampleRows rows, float* factors, int rowsPerFactor, int first, float* y, int columns) : IRange
{
    public void Run(long start, long end)
    {
        for (long i = start; i < end; i++)
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(x + (rows.Of(first + i) * columns), columns), factors[(first + i) / rowsPerFactor], new Span<float>(y + (i * columns), columns));
    }
}
