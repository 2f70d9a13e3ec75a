using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Convolution of channels-last pictures, as one matrix product per group over unrolled windows.</summary>
public readonly partial struct Tensor
{
    /// <summary>Cross-correlates pictures with filters, as torch's conv2d does.</summary>
    /// <param name="weight">[O, C / groups, KH, KW], torch's layout.</param>
    /// <param name="bias">[O], or <c>default</c> for none.</param>
    /// <param name="stride">Distance between windows; left out, 1.</param>
    /// <param name="padding">Zeros around the picture.</param>
    /// <param name="dilation">Distance between the taps of a filter; left out, 1.</param>
    /// <param name="groups">Channels fall into this many groups that do not see each other.</param>
    /// <returns>[N, OH, OW, O] for pictures [N, H, W, C].</returns>
    /// <exception cref="ShapeMismatchException">The channels do not fit, or the window is larger than the padded picture.</exception>
    public Tensor Conv2D(Tensor weight, Tensor bias = default, Size2D stride = default, Size2D padding = default, Size2D dilation = default, int groups = 1)
    {
        Require(DType.F32, nameof(Conv2D));
        if (Shape.Rank != 4 || weight.Shape.Rank != 4)
            throw new ShapeMismatchException($"Conv2D: pictures must be [N, H, W, C] and weight [O, C / groups, KH, KW]; they are {Shape} and {weight.Shape}.");
        (int channels, int outputs) = (Shape[3], weight.Shape[0]);
        if (groups < 1 || channels != weight.Shape[1] * groups || outputs % groups != 0)
            throw new ShapeMismatchException($"Conv2D: pictures {Shape} have {channels} channels, weight {weight.Shape} expects {weight.Shape[1]} in each of {groups} groups.");
        if (bias.Exists && bias.Shape != new Shape(outputs))
            throw new ShapeMismatchException($"Conv2D: bias {bias.Shape} does not fit weight {weight.Shape}.");
        Scope scope = Scope.Of(nameof(Conv2D), this, weight, bias);
        Size2D kernel = new(weight.Shape[2], weight.Shape[3]);
        Tensor filters = scope.Use(weight).ToFilterRows();
        if (groups == 1)
        {
            Tensor windows = Unfold2D(kernel, stride, padding, dilation);
            Tensor y = windows.Linear(filters, bias);
            // Filters and windows of one pixel are the operands themselves.
            if (windows.Root != Root)
                windows.Release();
            if (filters.Root != weight.Root)
                filters.Release();
            return y;
        }

        Tensor[] parts = new Tensor[groups];
        (int inside, int outside) = (channels / groups, outputs / groups);
        for (int g = 0; g < groups; g++)
        {
            Tensor windows = Slice(3, g * inside, (g + 1) * inside).Unfold2D(kernel, stride, padding, dilation);
            Tensor groupBias = bias.Exists ? scope.Use(bias).Slice(0, g * outside, (g + 1) * outside) : default;
            parts[g] = windows.Linear(filters.Slice(0, g * outside, (g + 1) * outside), groupBias);
        }

        return Concat(3, parts);
    }

    /// <summary>
    /// The windows of pictures [N, H, W, C], each as one row that holds its channels last: with a linear layer over them a convolution is one matrix
    /// product. Windows of one pixel at every pixel are the picture itself, which is then not copied.
    /// </summary>
    /// <param name="kernel">Window.</param>
    /// <param name="stride">Distance between windows; left out, 1.</param>
    /// <param name="padding">Zeros around the picture.</param>
    /// <param name="dilation">Distance between the pixels of a window; left out, 1.</param>
    /// <returns>[N, OH, OW, KH·KW·C].</returns>
    /// <exception cref="ShapeMismatchException">Not four axes, or the window is larger than the padded picture.</exception>
    public Tensor Unfold2D(Size2D kernel, Size2D stride = default, Size2D padding = default, Size2D dilation = default)
    {
        Require(DType.F32, nameof(Unfold2D));
        Window window = Slide(nameof(Unfold2D), Shape, kernel, stride.Or(1), padding, dilation.Or(1), ceiling: false);
        return kernel == 1 && stride.Or(1) == 1 && padding == default ? this : Im2ColFunction.Apply(this, window);
    }

    /// <summary>Filters [O, C, KH, KW], torch's layout, as the weight [O, KH·KW·C] of a linear layer over the rows of <see cref="Unfold2D"/>.</summary>
    /// <exception cref="ShapeMismatchException">Not four axes.</exception>
    public Tensor ToFilterRows()
    {
        if (Shape.Rank != 4)
            throw new ShapeMismatchException($"ToFilterRows: filters must be [O, C, KH, KW]; they are {Shape}.");
        return (Shape[2] == 1 && Shape[3] == 1 ? this : Permute(0, 2, 3, 1)).Reshape(Shape[0], -1);
    }

    /// <summary>Geometry of a window that slides over pictures [N, H, W, C].</summary>
    /// <param name="ceiling">Also windows that reach beyond the padding, provided they begin within picture and padding, as torch's ceil_mode.</param>
    private static Window Slide(string operation, Shape shape, Size2D kernel, Size2D stride, Size2D padding, Size2D dilation, bool ceiling)
    {
        if (shape.Rank != 4)
            throw new ShapeMismatchException($"{operation}: pictures must be [N, H, W, C]; they are {shape}.");
        if (kernel.Y < 1 || kernel.X < 1 || stride.Y < 1 || stride.X < 1 || dilation.Y < 1 || dilation.X < 1 || padding.Y < 0 || padding.X < 0)
            throw new ArgumentException($"{operation}: kernel {kernel}, stride {stride} and dilation {dilation} must be positive, padding {padding} not negative.");
        int height = Steps(shape[1], kernel.Y, stride.Y, padding.Y, dilation.Y, ceiling), width = Steps(shape[2], kernel.X, stride.X, padding.X, dilation.X, ceiling);
        if (height < 1 || width < 1)
            throw new ShapeMismatchException($"{operation}: a window of {kernel} (dilation {dilation}) does not fit pictures {shape} with padding {padding}.");
        return new Window(kernel.Y, kernel.X, stride.Y, stride.X, padding.Y, padding.X, dilation.Y, dilation.X, height, width);
    }

    private static int Steps(int length, int kernel, int stride, int padding, int dilation, bool ceiling)
    {
        int room = length + (2 * padding) - (dilation * (kernel - 1)) - 1;
        if (room < 0)
            return 0;
        int steps = ((room + (ceiling ? stride - 1 : 0)) / stride) + 1;
        return ceiling && (steps - 1) * stride >= length + padding ? steps - 1 : steps;
    }

    /// <summary>y [N, OH, OW, KH·KW·C] = the windows of x [N, H, W, C].</summary>
    private sealed class Im2ColFunction : Function
    {
        private Tensor _x;
        private Window _window;

        protected internal override bool ReadsOutput => false;

        // Windows overlap: they take several times the memory of the picture, which costs less to copy again than to keep.
        protected internal override bool CanRecompute => true;

        public static Tensor Apply(Tensor x, Window window)
        {
            Scope scope = Scope.Of(nameof(Unfold2D), x);
            Shape shape = x.Shape;
            Tensor y = scope.Empty([shape[0], window.OutputHeight, window.OutputWidth, window.KernelHeight * window.KernelWidth * shape[3]]);
            scope.Backend.Im2Col(x.View, window, Rows(y.View));
            if (scope.Record<Im2ColFunction>(y, x) is { } node)
                (node._x, node._window) = (x, window);
            return y;
        }

        protected internal override void Recompute(Backend backend, View y) => backend.Im2Col(_x.View, _window, Rows(y));

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.Col2Im(Rows(pass.OutputGradient), _window, dx);
        }

        private static View Rows(in View y) => y.As([checked((int)y.Rows), y.Columns]);
    }
}
