namespace Dino.Ssl.Data;

/// <summary>Turns one picture into one or more square views of normalised floats. Immutable and shared by all workers.</summary>
public interface ISampleTransform
{
    /// <summary>Side of each view in pixels; view v is [Channels, ViewSizes[v], ViewSizes[v]].</summary>
    IReadOnlyList<int> ViewSizes { get; }

    /// <summary>Channels of each view: 3 unless the transform makes others of them.</summary>
    int Channels => 3;

    /// <summary>Makes a writer with buffers of its own, for use by one thread.</summary>
    ISampleWriter CreateWriter();
}
