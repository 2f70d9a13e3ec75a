using Dino.Nn;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Training;

/// <summary>How <see cref="ModelFile.Load"/> is to load a model. The defaults load what the file says, readable and in memory.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>The part of a checkpoint to take, such as <c>student</c>; the rules of <see cref="WeightPart.Find"/> unless given: the teacher.</summary>
    public string? Key { get; init; }

    /// <summary>Packs the weights of linear layers and convolutions for speed; null leaves them readable.</summary>
    public WeightFormat? Format { get; init; }

    /// <summary>
    /// Uses the weights where they are in the file: nothing is read before it is needed, which is the quickest start for a few pictures. The file must
    /// not be rewritten in place while the model is in use: that would end the process. With a <see cref="Format"/> the file is needed while loading only.
    /// </summary>
    public bool Mapped { get; init; }

    /// <summary>
    /// Adapts the first layer to pictures of another number of channels, by <see cref="BackboneWeights.AdaptChannels"/>; null for as many as it has. With 1 the
    /// model's preprocessing makes grey values of pictures; with another number than 1 or 3 it takes tensors of your own only.
    /// </summary>
    public int? Channels { get; init; }

    /// <summary>Changes the vision transformer that was found, for what shapes do not tell (the heads).</summary>
    public Func<VisionTransformerOptions, VisionTransformerOptions>? Amend { get; init; }
}
