using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Where the rows of some samples of a batch lie among those of all. The default is every sample.</summary>
internal readonly unsafe struct SampleRows
{
    private readonly int* _samples;
    private readonly long _each;

    /// <param name="samples">Indices of samples.</param>
    /// <param name="rows">Rows of these samples together.</param>
    public SampleRows(in View samples, long rows)
    {
        _samples = samples.I32;
        _each = rows / samples.Count;
    }

    /// <summary>Whether rows lie elsewhere than they are computed.</summary>
    public bool AreSome => _samples != null;

    /// <summary>The row among those of all samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Of(long row) => _samples == null ? row : (_samples[row / _each] * _each) + (row % _each);

    /// <summary>How many rows from this one on, up to a number, follow each other there too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Run(long row, long most) => _samples == null ? most : Math.Min(most, _each - (row % _each));
}
