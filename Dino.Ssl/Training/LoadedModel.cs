using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;

namespace Dino.Ssl.Training;

/// <summary>A backbone ready for inference, with what it expects to be done to pictures.</summary>
public sealed record LoadedModel(Backbone Backbone, Preprocessing Preprocessing) : IDisposable
{
    /// <summary>Tensors of the file that the network has no use for, under their names in the file: heads, and of a checkpoint its other parts.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>
    /// Tells its weights from others, see <see cref="ModelFingerprint"/>. The weights of a file are read again for it at the first time, because those in memory may be packed.
    /// </summary>
    /// <exception cref="IOException">The file is not there any more.</exception>
    public string Fingerprint => Source?.Value ?? ModelFingerprint.Of(Backbone);

    /// <summary>The fingerprint of what it was made of; null if that is what is in memory.</summary>
    internal Lazy<string>? Source { get; init; }

    /// <summary>Where it lives.</summary>
    public Device Device => Backbone.Store.Device;

    /// <inheritdoc/>
    public void Dispose() => Backbone.Store.Dispose();
}
