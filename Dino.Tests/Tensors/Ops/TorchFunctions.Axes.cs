using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Reductions, selections and rearrangements.</summary>
internal static partial class TorchFunctions
{
    private static void AddReductions()
    {
        Table["sum"] = a => a.Tensor(0).Sum(a.Integers(1, "dim"), a.Flag(2, "keepdim"));
        Table["mean"] = a => a.Tensor(0).Mean(a.Integers(1, "dim"), a.Flag(2, "keepdim"));
        Table["var"] = a => a.Tensor(0).Variance(a.Integers(1, "dim"), a.Flag(3, "keepdim"), a.Flag(2, "unbiased", true));
        Table["std"] = a => a.Tensor(0).StandardDeviation(a.Integers(1, "dim"), a.Flag(3, "keepdim"), a.Flag(2, "unbiased", true));
        Table["amax"] = a => a.Tensor(0).Max(a.Integers(1, "dim"), a.Flag(2, "keepdim"));
        Table["amin"] = a => a.Tensor(0).Min(a.Integers(1, "dim"), a.Flag(2, "keepdim"));
        Table["max"] = a => Extreme(a, largest: true);
        Table["min"] = a => Extreme(a, largest: false);
        Table["argmax"] = a => a.Tensor(0).Detach().ArgMax(a.Integer(1, "dim"));
        Table["argmin"] = a => a.Tensor(0).Detach().ArgMin(a.Integer(1, "dim"));
        Table["logsumexp"] = a => a.Tensor(0).LogSumExp(a.Integer(1, "dim"));
        Table["cumsum"] = a => a.Tensor(0).CumulativeSum(a.Integer(1, "dim"));
        Table["norm"] = a =>
        {
            int[] axes = a.Integers(2, "dim");
            return a.Number(1, "p", 2) switch
            {
                1 => a.Tensor(0).NormL1(axes, a.Flag(3, "keepdim")),
                2 => a.Tensor(0).NormL2(axes, a.Flag(3, "keepdim")),
                double other => throw new NotSupportedException($"No code for the norm of order {other}."),
            };
        };
        Table["topk"] = a => Pair(a.Tensor(0).TopK(a.Integer(1, "k"), out Tensor indices, a.Integer(2, "dim", -1), a.Flag(3, "largest", true)), indices);
        Table["sort"] = a => Pair(a.Tensor(0).Sort(out Tensor indices, a.Integer(1, "dim", -1), a.Flag(2, "descending")), indices);
        Table["argsort"] = a => a.Tensor(0).Detach().ArgSort(a.Integer(1, "dim", -1), a.Flag(2, "descending"));
    }

    private static void AddShapes()
    {
        Table["permute"] = a => a.Tensor(0).Permute(a.Rest(1));
        Table["transpose"] = a => a.Tensor(0).Transpose(a.Integer(1, "dim0"), a.Integer(2, "dim1"));
        Table["flatten"] = a => a.Tensor(0).Flatten(a.Integer(1, "start_dim"), a.Integer(2, "end_dim", -1));
        Table["reshape"] = a => a.Tensor(0).Reshape(a.Rest(1));
        Table["view"] = Table["reshape"];
        Table["squeeze"] = a => a.Tensor(0).Shape[a.Integer(1, "dim")] == 1 ? a.Tensor(0).Reshape(a.Tensor(0).Shape.Without(a.Integer(1, "dim"))) : a.Tensor(0);
        Table["unsqueeze"] = a => Unsqueeze(a.Tensor(0), a.Integer(1, "dim"));
        Table["expand"] = a => Expand(a.Tensor(0), a.Rest(1));
        Table["repeat"] = a => a.Tensor(0).Repeat(a.Rest(1));
        Table["repeat_interleave"] = a => a.Tensor(0).RepeatInterleave(a.Integer(2, "dim"), a.Integer(1, "repeats"));
        Table["flip"] = a => a.Rest(1).Aggregate(a.Tensor(0), (x, axis) => x.Flip(axis));
        Table["roll"] = a => a.Integers(1, "shifts").Zip(a.Integers(2, "dims")).Aggregate(a.Tensor(0), (x, step) => x.Roll(step.Second, step.First));
        Table["narrow"] = a => a.Tensor(0).Slice(a.Integer(1, "dim"), a.Integer(2, "start"), a.Integer(2, "start") + a.Integer(3, "length"));
        Table["chunk"] = a => Tuple(a.Tensor(0).Chunk(a.Integer(2, "dim"), a.Integer(1, "chunks")));
        Table["split"] = a => Tuple(a.Get(1, "split_size_or_sections") is List<object?> lengths
            ? a.Tensor(0).Split(a.Integer(2, "dim"), PythonArguments.ToInts(lengths))
            : Pieces(a.Tensor(0), a.Integer(2, "dim"), a.Integer(1, "split_size_or_sections")));
        Table["cat"] = a => Tensor.Concat(a.Integer(1, "dim"), Tensors(a.Positional[0]));
        Table["stack"] = a => Tensor.Stack(a.Integer(1, "dim"), Tensors(a.Positional[0]));
        Table["gather"] = a => a.Tensor(0).Gather(a.Integer(1, "dim"), a.Tensor(2, "index"));
        Table["index_select"] = a => a.Tensor(0).IndexSelect(a.Integer(1, "dim"), a.Tensor(2, "index"));
        Table["index_add"] = a => a.Tensor(0).IndexAdd(a.Integer(1, "dim"), a.Tensor(2, "index"), a.Tensor(3, "source"), a.Single(4, "alpha", 1));
        Table["zeros_like"] = a => Scope.Of("zeros_like", a.Tensor(0)).Zeros(a.Tensor(0).Shape);
    }

    /// <summary>max() of everything is a tensor; along an axis it is a pair of values and positions.</summary>
    private static object Extreme(PythonArguments arguments, bool largest)
    {
        Tensor x = arguments.Tensor(0);
        int[] axes = arguments.Integers(1, "dim");
        bool keep = arguments.Flag(2, "keepdim");
        Tensor values = largest ? x.Max(axes, keep) : x.Min(axes, keep);
        return axes.Length == 0 ? values : Pair(values, largest ? x.Detach().ArgMax(axes[0]) : x.Detach().ArgMin(axes[0]));
    }

    private static List<object?> Pair(Tensor first, Tensor second) => [first, second];

    private static List<object?> Tuple(Tensor[] parts) => [.. parts.Select(part => (object?)part)];

    private static Tensor[] Tensors(object? list) => [.. ((List<object?>)list!).Select(item => (Tensor)item!)];

    private static Tensor[] Pieces(Tensor x, int axis, int length) =>
        [.. Enumerable.Range(0, (x.Shape[axis] + length - 1) / length).Select(i => x.Slice(axis, i * length, (i + 1) * length))];

    private static Tensor Unsqueeze(Tensor x, int axis)
    {
        List<int> lengths = [.. x.Shape];
        lengths.Insert(axis < 0 ? axis + lengths.Count + 1 : axis, 1);
        return x.Reshape([.. lengths]);
    }

    private static Tensor Expand(Tensor x, int[] lengths)
    {
        int added = lengths.Length - x.Shape.Rank;
        return x.Expand(new Shape([.. lengths.Select((length, i) => length == -1 ? x.Shape[i - added] : length)]));
    }
}
