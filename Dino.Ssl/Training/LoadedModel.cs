using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;

namespace Dino.Ssl.Training;

/// <summary>A backbone ready for inference, with what it expects to be done to pictures.</summary>
public sealed record LoadedModel(Backbone Backbone, Preprocessing Preprocessing) : IDisposable
{
    /// <summary>Tensors of the file that the network has no use for, under their names in the file: heads, and of a checkpoint its other parts.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>Where it lives.</summary>
    public Device Device => Backbone.Store.Device;

    /// <inheritdoc/>
    public void Dispose() => Backbone.Store.Dispose();
}
