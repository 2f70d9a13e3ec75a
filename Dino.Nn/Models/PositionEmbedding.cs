using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Learned position embedding of CLS and patch tokens, interpolated bicubically to any grid.</summary>
public sealed class PositionEmbedding : Module
{
    private readonly int _grid;
    private readonly int _width;
    private readonly bool _antialias;
    private readonly double _offset;
    private readonly Dictionary<int, float[]> _matrices = [];
    private readonly Lock _lock = new();

    /// <summary>A position embedding.</summary>
    /// <param name="scope">Where <c>pos_embed</c> is declared.</param>
    /// <param name="grid">Patches along each side of the picture it is made for.</param>
    /// <param name="width">Token width.</param>
    /// <param name="antialias">Widens the kernel when shrinking.</param>
    /// <param name="offset">Added to the target size before the scale is formed; 0 takes the ratio of the sizes.</param>
    public PositionEmbedding(ParameterScope scope, int grid, int width, bool antialias = false, double offset = 0.1)
        : base(scope)
    {
        (_grid, _width, _antialias, _offset) = (grid, width, antialias, offset);
        Weight = scope.Parameter("pos_embed", [1, 1 + (grid * grid), width], Initializer.Normal(0.02f));
    }

    /// <summary>[1, 1 + grid², D].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    /// <param name="x">Tokens [B, 1 + grid², D] of a square picture of the native size.</param>
    public override Tensor Forward(Tensor x) => Forward(x, _grid, _grid);

    /// <summary>Adds the embedding for a grid of rows × columns patches to tokens [B, 1 + rows·columns, D].</summary>
    public Tensor Forward(Tensor x, int rows, int columns) => x + At(Scope.Of(nameof(PositionEmbedding), x), rows, columns);

    /// <summary>The embedding [1, 1 + rows·columns, D] for a grid.</summary>
    /// <remarks>
    /// The official code adds 0.1 to the target size before it forms the scale factor, and that factor (not the ratio of the sizes) maps
    /// coordinates; bicubic with a = -0.75, no antialiasing. The DINOv2 networks with registers use antialiasing (a = -0.5) and the ratio. It is the
    /// identity only for the native square grid.
    /// </remarks>
    public Tensor At(Scope scope, int rows, int columns)
    {
        if (rows == _grid && columns == _grid)
            return scope.Use(Weight);
        Tensor weight = scope.Use(Weight);
        Tensor patches = weight.Slice(1, 1).Reshape(_grid, _grid * _width);
        // Rows first: [rows, N] · [N, N·D], then [columns, N] · [N, D] for each row.
        Tensor stretched = Matrix(scope, rows).MatMul(patches).Reshape(rows, _grid, _width);
        Tensor resized = Matrix(scope, columns).MatMul(stretched).Reshape(1, rows * columns, _width);
        return Tensor.Concat(1, weight.Slice(1, 0, 1), resized);
    }

    private Tensor Matrix(Scope scope, int target)
    {
        float[]? matrix;
        lock (_lock)
        {
            if (!_matrices.TryGetValue(target, out matrix))
            {
                matrix = InterpolationMatrix.Build(Interpolation.Bicubic, _grid, target, _offset == 0 ? 0 : (target + _offset) / _grid, _antialias);
                _matrices.Add(target, matrix);
            }
        }

        return scope.Upload(matrix, [target, _grid]);
    }
}
