using Dino.Nn;
using Dino.Tensors;

namespace Dino.Ssl.Training;

/// <summary>A backbone and a head under the names of the official multi-crop wrapper: <c>backbone.*</c> and <c>head.*</c>.</summary>
public sealed class DinoNetwork : IDisposable
{
    /// <summary>A network without memory; allocate its <see cref="Store"/> next.</summary>
    public DinoNetwork(BackboneOptions backbone, DinoHeadOptions head)
    {
        Backbone = backbone.Build(Store.Root / "backbone");
        Head = new DinoHead(Store.Root / "head", backbone.Width, head);
    }

    /// <summary>All parameters.</summary>
    public ParameterStore Store { get; } = new();

    /// <summary>Pictures to features.</summary>
    public Backbone Backbone { get; }

    /// <summary>Features to prototype logits.</summary>
    public DinoHead Head { get; }

    /// <summary>
    /// Runs the backbone once per resolution and the head once over everything, so that batch norm in the head sees all crops and in the backbone
    /// one resolution at a time.
    /// </summary>
    /// <param name="groups">Pictures [n·B, C, H, W], one tensor per resolution; consecutive crops of the same width belong together.</param>
    /// <returns>Logits [Σ n·B, K], in the order of the crops.</returns>
    public Tensor Forward(params ReadOnlySpan<Tensor> groups)
    {
        if (groups.Length == 1)
            return Head.Forward(Backbone.Forward(groups[0]));
        FeatureArray features = default;
        if (groups.Length > FeatureArray.Length)
            throw new ArgumentException($"At most {FeatureArray.Length} resolutions are supported, {groups.Length} were given.", nameof(groups));
        for (int i = 0; i < groups.Length; i++)
            features[i] = Backbone.Forward(groups[i]);
        return Head.Forward(Tensor.Concat(0, features[..groups.Length]));
    }

    /// <inheritdoc/>
    public void Dispose() => Store.Dispose();

    /// <summary>Features of the resolutions, on the stack: a warm step allocates nothing.</summary>
    [System.Runtime.CompilerServices.InlineArray(Length)]
    private struct FeatureArray
    {
        public const int Length = 8;
        private Tensor _first;
    }
}
