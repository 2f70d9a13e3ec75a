using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Layers, functions of pictures and losses. Torch's pictures are [N, C, H, W], ours [N, H, W, C].</summary>
internal static partial class TorchFunctions
{
    private static void AddLayers()
    {
        Table["matmul"] = a => a.Tensor(0).MatMul(a.Tensor(1));
        Table["mm"] = Table["bmm"] = Table["matmul"];
        Table["linear"] = a => a.Tensor(0).Linear(a.Tensor(1, "weight"), a.Tensor(2, "bias"));
        Table["softmax"] = a => a.Tensor(0).Softmax(a.Integer(1, "dim"));
        Table["log_softmax"] = a => a.Tensor(0).LogSoftmax(a.Integer(1, "dim"));
        Table["normalize"] = a => a.Number(1, "p", 2) == 2
            ? a.Tensor(0).Normalize(a.Integer(2, "dim", 1), a.Single(3, "eps", 1e-12))
            : throw new NotSupportedException("No code for normalising by other norms than the Euclidean one.");
        Table["layer_norm"] = a =>
        {
            Tensor x = a.Tensor(0), weight = a.Tensor(2, "weight");
            int axes = a.Integers(1, "normalized_shape").Length;
            float epsilon = a.Single(4, "eps", 1e-5);
            return weight.Exists || axes == 1
                ? x.LayerNorm(weight, a.Tensor(3, "bias"), epsilon)
                : x.Flatten(-axes).LayerNorm(default, default, epsilon).Reshape(x.Shape);
        };
        Table["_weight_norm"] = a => a.Integer(2, "dim") == 0
            ? a.Tensor(0).WeightNorm(a.Tensor(1, "g"))
            : throw new NotSupportedException("No code for weight norm along another axis than 0.");
        Table["cosine_similarity"] = a => a.Tensor(0).CosineSimilarity(a.Tensor(1), a.Integer(2, "dim", 1), a.Single(3, "eps", 1e-8));
        Table["PairwiseDistance"] = a =>
        {
            float epsilon = a.Single(1, "eps", 1e-6);
            return a.Number(0, "p", 2) == 2
                ? (Callable)(operands => operands.Tensor(0).PairwiseDistance(operands.Tensor(1), epsilon))
                : throw new NotSupportedException("No code for distances other than the Euclidean one.");
        };
        Table["fcall"] = a => ((TorchModule)a.Positional[0]!)((Dictionary<string, object?>)a.Positional[1]!, a.Tensor(2));
    }

    private static void AddPictures()
    {
        Table["conv2d"] = a => OnPictures(a, x => x.Conv2D(a.Tensor(1, "weight"), a.Tensor(2, "bias"),
            a.Size(3, "stride", 1), a.Size(4, "padding", 0), a.Size(5, "dilation", 1), a.Integer(6, "groups", 1)));
        Table["max_pool2d"] = a => OnPictures(a, x => x.MaxPool2D(a.Size(1, "kernel_size", 0),
            a.Size(2, "stride", 0), a.Size(3, "padding", 0), a.Size(4, "dilation", 1), a.Flag(5, "ceil_mode")));
        Table["avg_pool2d"] = a => OnPictures(a, x => x.AveragePool2D(a.Size(1, "kernel_size", 0),
            a.Size(2, "stride", 0), a.Size(3, "padding", 0), a.Flag(4, "ceil_mode"), a.Flag(5, "count_include_pad", true)));
        Table["adaptive_avg_pool2d"] = a => OnPictures(a, x => x.AdaptiveAveragePool2D(a.Size(1, "output_size", 0)));
        Table["interpolate"] = a => OnPictures(a, x => Interpolate(a, x));
        Table["pad"] = a =>
        {
            Tensor x = a.Tensor(0);
            int[] lengths = a.Integers(1, "pad");
            string mode = (string?)a.Get(2, "mode") ?? "constant";
            for (int i = 0; 2 * i < lengths.Length; i++)
                x = x.Pad(-1 - i, lengths[2 * i], lengths[(2 * i) + 1], Enum.Parse<PadMode>(mode, ignoreCase: true), a.Single(3, "value", 0));
            return x;
        };
    }

    private static Tensor Interpolate(PythonArguments a, Tensor x)
    {
        Interpolation mode = Enum.Parse<Interpolation>((string?)a.Get(3, "mode") ?? "nearest", ignoreCase: true);
        bool alignCorners = a.Flag(4, "align_corners"), antialias = a.Flag(6, "antialias");
        object? factor = a.Get(2, "scale_factor");
        int[] size = a.Integers(1, "size");
        if (size.Length > 0)
            return x.Resize2D(a.Size(1, "size", 0), mode, antialias, alignCorners);
        return factor is List<object?> factors
            ? x.Resize2D(PythonArguments.ToDouble(factors[0]), PythonArguments.ToDouble(factors[1]), mode, antialias, alignCorners)
            : x.Resize2D(PythonArguments.ToDouble(factor), PythonArguments.ToDouble(factor), mode, antialias, alignCorners);
    }

    private static Tensor OnPictures(PythonArguments a, Func<Tensor, Tensor> function) =>
        function(a.Tensor(0).Permute(0, 2, 3, 1)).Permute(0, 3, 1, 2);

    private static void AddLosses()
    {
        Table["cross_entropy"] = a =>
        {
            Tensor target = a.Tensor(1), weight = a.Tensor(2, "weight");
            float smoothing = a.Single(6, "label_smoothing", 0);
            return target.DType == DType.I32
                ? a.Tensor(0).CrossEntropy(target.ToIndices(), weight, smoothing, a.Integer(3, "ignore_index", -100), ReductionOf(a))
                : a.Tensor(0).CrossEntropy(target, weight, smoothing, ReductionOf(a));
        };
        Table["mse_loss"] = a => a.Tensor(0).MeanSquaredError(a.Tensor(1), ReductionOf(a));
        Table["smooth_l1_loss"] = a => a.Tensor(0).SmoothL1(a.Tensor(1), a.Single(5, "beta", 1), ReductionOf(a));
        Table["binary_cross_entropy_with_logits"] = a => a.Tensor(0).BinaryCrossEntropyWithLogits(a.Tensor(1), ReductionOf(a));
        Table["kl_div"] = a => a.Tensor(0).KlDivergence(a.Tensor(1), ReductionOf(a));
    }

    private static Reduction ReductionOf(PythonArguments a) => Enum.Parse<Reduction>((string?)a.Get(-1, "reduction") ?? "mean", ignoreCase: true);
}
