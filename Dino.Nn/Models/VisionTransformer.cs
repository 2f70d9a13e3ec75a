using Dino.Tensors;

namespace Dino.Nn;

/// <summary>The vision transformer of DINO: patches, a CLS token, pre-norm blocks and a final norm. Any picture size, also not square.</summary>
/// <remarks>Dosovitskiy et al. 2021; parameter names and arithmetic of the official DINO code.</remarks>
public sealed class VisionTransformer : Module
{
    private readonly PatchProjection _patchEmbedding;
    private readonly Parameter _cls;
    private readonly PositionEmbedding _positions;
    private readonly TransformerBlock[] _blocks;
    private readonly LayerNorm _norm;
    private readonly Linear? _classifier;

    /// <summary>A vision transformer.</summary>
    /// <param name="scope">Where its parameters are declared.</param>
    /// <param name="options">Architecture.</param>
    public VisionTransformer(ParameterScope scope, VisionTransformerOptions options)
        : base(scope)
    {
        options.Validate();
        Options = options;
        int grid = options.ImageSize / options.PatchSize, width = options.Width;
        _cls = scope.Parameter("cls_token", [1, 1, width], Initializer.Normal(0.02f));
        _positions = new PositionEmbedding(scope, grid, width);
        _patchEmbedding = new PatchProjection(scope / "patch_embed" / "proj", options.Channels, options.PatchSize, width);
        _blocks = new TransformerBlock[options.Depth];
        for (int i = 0; i < _blocks.Length; i++)
        {
            float drop = options.Depth == 1 ? 0 : options.DropPath * i / (options.Depth - 1);
            _blocks[i] = new TransformerBlock(scope / "blocks" / i, width, options.Heads, (int)(width * options.MlpRatio), options.QkvBias, drop);
        }

        _norm = new LayerNorm(scope / "norm", width);
        _classifier = options.Classes > 0 ? new Linear(scope / "head", width, options.Classes) : null;
    }

    /// <summary>Architecture.</summary>
    public VisionTransformerOptions Options { get; }

    /// <summary>The CLS feature of each picture. A classifier is not applied, as in the official code: see <see cref="Classify"/>.</summary>
    /// <param name="x">Pictures [B, C, H, W]; rows and columns beyond a multiple of the patch size are dropped.</param>
    /// <returns>[B, D].</returns>
    /// <remarks>The last block and the final norm are computed for the CLS token only: the other tokens would not be used.</remarks>
    public override Tensor Forward(Tensor x)
    {
        Tensor tokens = Run(x, _blocks.Length - 1);
        Tensor cls = _blocks[^1].ForwardFirst(tokens);
        tokens.Release();
        return _norm.Forward(cls);
    }

    /// <summary>Logits [B, classes] of the linear classifier on the CLS feature.</summary>
    /// <exception cref="InvalidOperationException">The network has no classifier.</exception>
    public Tensor Classify(Tensor x) => _classifier is null
        ? throw new InvalidOperationException($"VisionTransformer '{Path}' has no classifier: set Classes in its options.")
        : _classifier.Forward(Forward(x));

    /// <summary>All tokens after the final norm, CLS first.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, 1 + N, D].</returns>
    public Tensor Tokens(Tensor x)
    {
        Tensor tokens = Run(x, _blocks.Length);
        Tensor normed = _norm.Forward(tokens);
        tokens.Release();
        return normed;
    }

    /// <summary>Tokens after each of the last blocks, oldest first, each through the final norm.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="count">How many blocks; all of them if there are fewer.</param>
    public Tensor[] IntermediateLayers(Tensor x, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        count = Math.Min(count, _blocks.Length);
        Tensor tokens = Embed(x);
        Tensor[] layers = new Tensor[count];
        for (int i = 0; i < _blocks.Length; i++)
        {
            tokens = Run(_blocks[i], tokens);
            int at = i - (_blocks.Length - count);
            if (at >= 0)
                layers[at] = _norm.Forward(tokens);
        }

        return layers;
    }

    /// <summary>Attention maps of the last block.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, H, 1 + N, 1 + N]; row 0 is what the CLS token looks at.</returns>
    public Tensor LastSelfAttention(Tensor x)
    {
        return _blocks[^1].AttentionMaps(Run(x, _blocks.Length - 1));
    }

    /// <summary>The position embedding for pictures of a size, [1, 1 + N, D].</summary>
    public Tensor PositionsFor(Scope scope, int height, int width) =>
        _positions.At(scope, height / Options.PatchSize, width / Options.PatchSize);

    private Tensor Embed(Tensor x)
    {
        if (x.Shape.Rank != 4 || x.Shape[1] != Options.Channels)
            throw new ShapeMismatchException($"VisionTransformer '{Path}': pictures must be [B, {Options.Channels}, H, W]; they are {x.Shape}.");
        Tensor patches = _patchEmbedding.Forward(x);
        Tensor cls = Scope.Of(nameof(VisionTransformer), x).Use(_cls).Expand([x.Shape[0], 1, Options.Width]);
        Tensor sequence = Tensor.Concat(1, cls, patches);
        patches.Release();
        Tensor tokens = _positions.Forward(sequence, x.Shape[2] / Options.PatchSize, x.Shape[3] / Options.PatchSize);
        sequence.Release();
        return tokens;
    }

    /// <summary>Tokens of pictures after the first blocks.</summary>
    private Tensor Run(Tensor x, int blocks)
    {
        Tensor tokens = Embed(x);
        foreach (TransformerBlock block in _blocks.AsSpan(0, blocks))
            tokens = Run(block, tokens);
        return tokens;
    }

    private static Tensor Run(TransformerBlock block, Tensor tokens)
    {
        Tensor result = block.Forward(tokens);
        tokens.Release();
        return result;
    }
}
