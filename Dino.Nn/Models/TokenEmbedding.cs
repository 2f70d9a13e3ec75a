using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Pictures to the tokens that enter the first block: CLS, registers, patches, with their positions.</summary>
internal sealed class TokenEmbedding
{
    private readonly VisionTransformerOptions _options;
    private readonly Parameter _cls;
    private readonly PositionEmbedding? _positions;
    private readonly Parameter? _registers;
    private readonly Parameter? _maskToken;
    private readonly PatchProjection _patches;
    private readonly RotaryEmbedding? _rotary;

    /// <param name="scope">Where the tokens, <c>pos_embed</c>, <c>patch_embed</c> and <c>rope_embed</c> are declared.</param>
    /// <param name="options">Which of them there are.</param>
    public TokenEmbedding(ParameterScope scope, VisionTransformerOptions options)
    {
        _options = options;
        int width = options.Width;
        Initializer tokens = Initializer.Normal(options.SmallTokens ? 1e-6f : 0.02f);
        _cls = scope.Parameter("cls_token", [1, 1, width], tokens);
        if (options.Rotary is null)
            _positions = new PositionEmbedding(scope, options.ImageSize / options.PatchSize, width, options.AntialiasedPositions, options.PositionsByRatio ? 0 : 0.1);
        if (options.Registers > 0)
            _registers = scope.Parameter(options.Rotary is null ? "register_tokens" : "storage_tokens", [1, options.Registers, width], tokens);
        if (options.MaskToken)
            _maskToken = scope.Parameter("mask_token", [1, width], Initializer.Zeros);
        _patches = new PatchProjection(scope / "patch_embed" / "proj", options.Channels, options.PatchSize, width);
        if (options.Rotary is { } rotary)
            _rotary = new RotaryEmbedding(scope / "rope_embed", rotary, width / options.Heads);
    }

    /// <summary>Tokens [B, 1 + R + N, D].</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <param name="mask">[B, N]: patches where it is not 0 become the mask token; <c>default</c> for none.</param>
    /// <param name="rotation">What turns queries and keys in the blocks; <c>default</c> with a learned embedding.</param>
    public Tensor Forward(Tensor x, Tensor mask, out Rotation rotation)
    {
        Scope scope = Scope.Of(nameof(VisionTransformer), x);
        (int batch, int rows, int columns) = (x.Shape[0], x.Shape[2] / _options.PatchSize, x.Shape[3] / _options.PatchSize);
        rotation = _rotary?.At(scope, rows, columns) ?? default;
        Tensor patches = _patches.Forward(x);
        if (mask.Exists)
            patches = Masked(scope, patches, mask);
        Tensor cls = scope.Use(_cls).Expand([batch, 1, _options.Width]);
        Tensor sequence = _registers is null
            ? Tensor.Concat(1, cls, patches)
            : Tensor.Concat(1, cls, scope.Use(_registers).Expand([batch, _options.Registers, _options.Width]), patches);
        patches.Release();
        if (_positions is null)
            return sequence;
        Tensor tokens = sequence + WithRegisters(scope, _positions.At(scope, rows, columns));
        sequence.Release();
        return tokens;
    }

    /// <summary>The learned embedding of CLS and patches, [1, 1 + N, D].</summary>
    /// <exception cref="InvalidOperationException">The positions are rotary.</exception>
    public Tensor Positions(Scope scope, int height, int width) => _positions is null
        ? throw new InvalidOperationException("This network has rotary positions, which turn queries and keys, and no position embedding.")
        : _positions.At(scope, height / _options.PatchSize, width / _options.PatchSize);

    /// <summary>Cosines and sines of rotary positions, [2, N, D/2].</summary>
    /// <exception cref="InvalidOperationException">The positions are learned.</exception>
    public Tensor Turns(Scope scope, int height, int width) => _rotary is null
        ? throw new InvalidOperationException("This network has a learned position embedding, and no rotary positions.")
        : _rotary.At(scope, height / _options.PatchSize, width / _options.PatchSize).Turns;

    /// <summary>Positions with zeros for the registers, which have no place in the picture.</summary>
    private Tensor WithRegisters(Scope scope, Tensor positions) => _registers is null
        ? positions
        : Tensor.Concat(1, positions.Slice(1, 0, 1), scope.Zeros([1, _options.Registers, _options.Width]), positions.Slice(1, 1));

    private Tensor Masked(Scope scope, Tensor patches, Tensor mask)
    {
        if (_maskToken is null)
            throw new InvalidOperationException("This network has no token for masked patches: set MaskToken in its options.");
        if (mask.Shape != new Shape(patches.Shape[0], patches.Shape[1]))
            throw new ShapeMismatchException($"The mask must have one value for each patch, [{patches.Shape[0]}, {patches.Shape[1]}]; it is {mask.Shape}.");
        Tensor masked = Tensor.Where(mask.Reshape(mask.Shape[0], mask.Shape[1], 1), scope.Use(_maskToken).Reshape(1, 1, -1), patches);
        patches.Release();
        return masked;
    }
}
