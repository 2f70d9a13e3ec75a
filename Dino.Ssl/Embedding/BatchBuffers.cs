namespace Dino.Ssl.Embedding;

/// <summary>What one pass over several pictures reads and writes.</summary>
/// <param name="capacity">Most pictures in a pass, B.</param>
/// <param name="pixelCount">Numbers that a picture is prepared to.</param>
/// <param name="width">D.</param>
internal sealed class BatchBuffers(int capacity, int pixelCount, int width)
{
    /// <summary>B.</summary>
    public int Capacity => capacity;

    /// <summary>Normalised pixels [B, C, size, size].</summary>
    public float[] Pixels { get; } = GC.AllocateUninitializedArray<float>(checked(capacity * pixelCount));

    /// <summary>[B, D].</summary>
    public float[] Features { get; } = new float[capacity * width];

    /// <summary>Where a picture goes.</summary>
    public Span<float> Picture(int row) => Pixels.AsSpan(row * pixelCount, pixelCount);

    /// <summary>The first pictures.</summary>
    public ReadOnlySpan<float> Pictures(int count) => Pixels.AsSpan(0, count * pixelCount);

    /// <summary>The first features.</summary>
    public Span<float> Rows(int count) => Features.AsSpan(0, count * width);
}
