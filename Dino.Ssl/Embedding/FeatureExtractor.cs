using System.Numerics.Tensors;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Tensor = Dino.Tensors.Tensor;

namespace Dino.Ssl.Embedding;

/// <summary>Computes features of pictures that have been brought to the input of a network. Any number of threads may use it at once.</summary>
public sealed class FeatureExtractor
{
    private readonly LoadedModel _model;

    /// <summary>Chooses the features of a network.</summary>
    /// <param name="model">The network; it stays the caller's.</param>
    /// <param name="kind">Which feature.</param>
    /// <param name="normalize">Whether each feature is divided by its L2 norm, as k-NN and cosine similarity need.</param>
    /// <param name="blocks">How many of the last blocks, for <see cref="FeatureKind.LastBlocks"/> and <see cref="FeatureKind.LastBlocksAndPatchMean"/>.</param>
    /// <exception cref="ArgumentException">The network has no such feature.</exception>
    public FeatureExtractor(LoadedModel model, FeatureKind kind = FeatureKind.Cls, bool normalize = true, int blocks = 4)
    {
        ArgumentNullException.ThrowIfNull(model);
        VisionTransformer? transformer = model.Backbone as VisionTransformer;
        if (kind != FeatureKind.Cls && transformer is null)
            throw new ArgumentException($"{kind} is made of the tokens of a vision transformer; a {model.Backbone.GetType().Name} has one pooled feature. Use {nameof(FeatureKind)}.{nameof(FeatureKind.Cls)}.", nameof(kind));
        bool hasBlocks = kind is FeatureKind.LastBlocks or FeatureKind.LastBlocksAndPatchMean;
        if (hasBlocks && (blocks < 1 || blocks > transformer!.Options.Depth))
            throw new ArgumentException($"The network has {transformer!.Options.Depth} blocks: features of the last {blocks} cannot be taken. Use 1 to {transformer.Options.Depth}.", nameof(blocks));
        (_model, Kind, Normalize, Blocks) = (model, kind, normalize, hasBlocks ? blocks : 1);
        Width = model.Backbone.Options.Width * (Blocks + (kind is FeatureKind.ClsAndPatchMean or FeatureKind.LastBlocksAndPatchMean ? 1 : 0));
    }

    /// <summary>Which feature.</summary>
    public FeatureKind Kind { get; }

    /// <summary>How many of the last blocks it is made of.</summary>
    public int Blocks { get; }

    /// <summary>Whether each feature is divided by its L2 norm.</summary>
    public bool Normalize { get; }

    /// <summary>Length of a feature, D.</summary>
    public int Width { get; }

    /// <summary>Features of pictures.</summary>
    /// <param name="pictures">Normalised pixels [B, C, H, W].</param>
    /// <returns>[B, D], in the scope of the pictures.</returns>
    public Tensor Forward(Tensor pictures)
    {
        Tensor features = Kind switch
        {
            FeatureKind.ClsAndPatchMean => ClsAndPatchMean((VisionTransformer)_model.Backbone, pictures),
            FeatureKind.LastBlocks => ((VisionTransformer)_model.Backbone).LastClassTokens(pictures, Blocks),
            FeatureKind.LastBlocksAndPatchMean => LastBlocksAndPatchMean((VisionTransformer)_model.Backbone, pictures),
            _ => _model.Backbone.Forward(pictures),
        };
        return Normalize ? features.Normalize() : features;
    }

    /// <summary>Features of pictures in host memory, which is read in place where the network computes on the CPU. Warm, and but for features of several blocks, it allocates nothing.</summary>
    /// <param name="pixels">Normalised pixels [B, C, H, W].</param>
    /// <param name="shape">B, C, H, W.</param>
    /// <param name="features">[B, D], written.</param>
    /// <exception cref="ShapeMismatchException">A length does not fit.</exception>
    public void Extract(ReadOnlySpan<float> pixels, Shape shape, Span<float> features)
    {
        using Scope scope = _model.Device.OpenScope(GradMode.Off);
        scope.Borrow(pixels, shape, new Work(this, features), static (pictures, work) => work.Do(pictures));
    }

    /// <inheritdoc cref="Extract(ReadOnlySpan{float}, Shape, Span{float})"/>
    /// <param name="pixels">Normalised pixels [B, C, H, W]; strided ones are copied first.</param>
    public void Extract(in ReadOnlyTensorSpan<float> pixels, Span<float> features)
    {
        using Scope scope = _model.Device.OpenScope(GradMode.Off);
        scope.Borrow(pixels, new Work(this, features), static (pictures, work) => work.Do(pictures));
    }

    private static Tensor ClsAndPatchMean(VisionTransformer network, Tensor pictures)
    {
        TokenSequence tokens = network.Tokens(pictures);
        Tensor patches = tokens.Patches, cls = tokens.Cls;
        tokens.All.Release();
        return Tensor.Concat(1, cls, patches.Mean([1]));
    }

    private Tensor LastBlocksAndPatchMean(VisionTransformer network, Tensor pictures)
    {
        TokenSequence[] layers = network.IntermediateLayers(pictures, Blocks);
        return Tensor.Concat(1, [.. layers.Select(layer => layer.Cls), layers[^1].Patches.Mean([1])]);
    }

    private readonly ref struct Work(FeatureExtractor extractor, Span<float> features)
    {
        private readonly Span<float> _features = features;

        public void Do(Tensor pictures) => extractor.Forward(pictures).Read(_features);
    }
}
