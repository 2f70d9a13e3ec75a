using Dino.Tensors;

namespace Dino.Nn;

/// <summary>
/// The vision transformer of DINO, DINOv2 and DINOv3: patches, a CLS token, registers, pre-norm blocks and a final norm. Any picture size, also not
/// square. What the three differ in is in <see cref="VisionTransformerOptions"/>.
/// </summary>
/// <remarks>Dosovitskiy et al. 2021; parameter names and arithmetic of the official code.</remarks>
public sealed class VisionTransformer : Backbone
{
    private readonly TokenEmbedding _embedding;
    private readonly TransformerBlock[] _blocks;
    private readonly Module _norm;
    private readonly Module? _clsNorm;

    /// <summary>A vision transformer.</summary>
    /// <param name="scope">Where its parameters are declared.</param>
    /// <param name="options">Architecture.</param>
    public VisionTransformer(ParameterScope scope, VisionTransformerOptions options)
        : base(scope)
    {
        options.Validate();
        Options = options;
        _embedding = new TokenEmbedding(scope, options);
        _blocks = new TransformerBlock[options.Depth];
        for (int i = 0; i < _blocks.Length; i++)
        {
            float drop = options.UniformDropPath ? options.DropPath : options.Depth == 1 ? 0 : options.DropPath * i / (options.Depth - 1);
            ParameterScope blocks = scope / "blocks";
            _blocks[i] = new TransformerBlock((options.BlockChunks == 0 ? blocks : blocks / (i / (options.Depth / options.BlockChunks))) / i, options, drop);
        }

        _norm = TransformerBlock.Norm(scope / "norm", options);
        _clsNorm = options.UntiedNorms ? TransformerBlock.Norm(scope / "cls_norm", options) : null;
        Classifier = options.Classes > 0 ? new Linear(scope / "head", options.Width, options.Classes) : null;
    }

    /// <inheritdoc/>
    public override VisionTransformerOptions Options { get; }

    /// <summary>The CLS feature of each picture. A classifier is not applied, as in the official code: see <see cref="Backbone.Classify"/>.</summary>
    /// <param name="x">Pictures [B, C, H, W]; rows and columns beyond a multiple of the patch size are dropped.</param>
    /// <returns>[B, D].</returns>
    /// <remarks>The last block and the final norm are computed for the CLS token only: the other tokens would not be used.</remarks>
    public override Tensor Forward(Tensor x)
    {
        Tensor tokens = Run(x, default, _blocks.Length - 1, out Rotation rotation);
        Tensor cls = _blocks[^1].ForwardFirst(tokens, rotation);
        tokens.Release();
        return (_clsNorm ?? _norm).Forward(cls);
    }

    /// <summary>All tokens after the final norm.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="mask">[B, N], F32 or U8: patches where it is not 0 are replaced by the mask token; left out, none.</param>
    /// <exception cref="InvalidOperationException">There is a mask, and the network has no token for masked patches.</exception>
    public TokenSequence Tokens(Tensor x, Tensor mask = default)
    {
        TokenSequence tokens = TokensBeforeNorm(x, mask);
        TokenSequence normed = Normed(tokens);
        tokens.All.Release();
        return normed;
    }

    /// <summary>All tokens as the last block leaves them.</summary>
    /// <inheritdoc cref="Tokens"/>
    public TokenSequence TokensBeforeNorm(Tensor x, Tensor mask = default) => Sequence(x, Run(x, mask, _blocks.Length, out _));

    /// <summary>Tokens after each of the last blocks, oldest first.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="count">How many blocks; all of them if there are fewer.</param>
    /// <param name="norm">Whether each goes through the final norm.</param>
    public TokenSequence[] IntermediateLayers(Tensor x, int count = 1, bool norm = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        count = Math.Min(count, _blocks.Length);
        return IntermediateLayers(x, [.. Enumerable.Range(_blocks.Length - count, count)], norm);
    }

    /// <summary>Tokens after chosen blocks.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="blocks">Indices of blocks, rising.</param>
    /// <param name="norm">Whether each goes through the final norm.</param>
    /// <exception cref="ArgumentException">There is no such block, or the indices do not rise.</exception>
    public TokenSequence[] IntermediateLayers(Tensor x, ReadOnlySpan<int> blocks, bool norm = true)
    {
        TokenSequence[] layers = new TokenSequence[blocks.Length];
        Tensor tokens = Embed(x, default, out Rotation rotation);
        int block = 0;
        for (int i = 0; i < layers.Length; i++)
        {
            if (blocks[i] < block || blocks[i] >= _blocks.Length)
                throw new ArgumentException($"Blocks must be rising numbers from 0 to {_blocks.Length - 1}; they are {string.Join(", ", blocks.ToArray())}.", nameof(blocks));
            for (; block <= blocks[i]; block++)
            {
                // What a layer shows stays; what only led to it goes.
                bool isShown = !norm && i > 0 && block == blocks[i - 1] + 1;
                Tensor next = _blocks[block].Forward(tokens, rotation);
                if (!isShown)
                    tokens.Release();
                tokens = next;
            }

            layers[i] = norm ? Normed(Sequence(x, tokens)) : Sequence(x, tokens);
        }

        return layers;
    }

    /// <summary>CLS tokens after each of the last blocks and the final norm, side by side, oldest first: the feature of the official linear evaluation.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="count">How many blocks, n.</param>
    /// <returns>[B, n · D]; the last D of a row are the feature of <see cref="Forward"/>.</returns>
    public Tensor LastClassTokens(Tensor x, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _blocks.Length);
        Tensor[] features = new Tensor[count];
        Tensor tokens = Run(x, default, _blocks.Length - count, out Rotation rotation);
        for (int i = 0; i < count; i++)
        {
            TransformerBlock block = _blocks[_blocks.Length - count + i];
            // Of the last block nothing but its CLS token is wanted.
            Tensor next = i == count - 1 ? block.ForwardFirst(tokens, rotation) : block.Forward(tokens, rotation);
            tokens.Release();
            tokens = next;
            features[i] = (_clsNorm ?? _norm).Forward(i == count - 1 ? tokens : tokens.Select(1, 0));
        }

        return count == 1 ? features[0] : Tensor.Concat(1, features);
    }

    /// <summary>Attention maps of the last block.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <returns>[B, H, T, T] for T tokens; row 0 is what the CLS token looks at: itself, the registers, the patches.</returns>
    public Tensor LastSelfAttention(Tensor x) => SelfAttention(x, _blocks.Length - 1);

    /// <summary>Attention maps of a block.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="block">Its index.</param>
    /// <returns>[B, H, T, T] for T tokens; they carry no gradient.</returns>
    public Tensor SelfAttention(Tensor x, int block)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(block);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(block, _blocks.Length);
        Tensor tokens = Run(x, default, block, out Rotation rotation);
        return _blocks[block].AttentionMaps(tokens, rotation);
    }

    /// <summary>The learned position embedding for pictures of a size, [1, 1 + N, D].</summary>
    /// <exception cref="InvalidOperationException">The network has rotary positions.</exception>
    public Tensor PositionsFor(Scope scope, int height, int width) => _embedding.Positions(scope, height, width);

    /// <summary>Rotary positions for pictures of a size: cosines and sines [2, N, head width / 2].</summary>
    /// <exception cref="InvalidOperationException">The network has a learned position embedding.</exception>
    public Tensor TurnsFor(Scope scope, int height, int width) => _embedding.Turns(scope, height, width);

    private Tensor Embed(Tensor x, Tensor mask, out Rotation rotation)
    {
        RequirePictures(x);
        return _embedding.Forward(x, mask, out rotation);
    }

    /// <summary>Tokens of pictures after the first blocks.</summary>
    private Tensor Run(Tensor x, Tensor mask, int blocks, out Rotation rotation)
    {
        Tensor tokens = Embed(x, mask, out rotation);
        foreach (TransformerBlock block in _blocks.AsSpan(0, blocks))
        {
            Tensor next = block.Forward(tokens, rotation);
            tokens.Release();
            tokens = next;
        }

        return tokens;
    }

    private TokenSequence Sequence(Tensor x, Tensor tokens) => new(tokens, Options.Registers, x.Shape[2] / Options.PatchSize, x.Shape[3] / Options.PatchSize);

    private TokenSequence Normed(TokenSequence tokens)
    {
        if (_clsNorm is null)
            return tokens with { All = _norm.Forward(tokens.All) };
        Tensor first = _clsNorm.Forward(tokens.All.Slice(1, 0, 1 + Options.Registers));
        return tokens with { All = Tensor.Concat(1, first, _norm.Forward(tokens.Patches)) };
    }
}
