using Dino.Tensors.Formats;

namespace Dino.Nn.Naming;

/// <summary>Collects the tensors of a file under official names. Queries, keys and values that are tensors of their own become the rows of one.</summary>
/// <param name="file">The file.</param>
internal sealed class OfficialNames(TensorFile file)
{
    private static readonly string[] s_thirds = ["queries", "keys", "values"];

    private readonly Dictionary<string, TensorEntry?[]> _joined = new(StringComparer.Ordinal);

    /// <summary>What was collected.</summary>
    public TensorView View { get; } = new(file);

    /// <summary>Tensors that a backbone has no use for, under their names in the file.</summary>
    public List<string> LeftOut { get; } = [];

    public void Add(string name, TensorEntry entry) => View.Add(name, entry);

    /// <summary>Adds the tensor in another shape.</summary>
    public void Add(string name, TensorEntry entry, params long[] shape)
    {
        if (shape.Aggregate(1L, (product, length) => product * length) != entry.Count)
            throw new InvalidDataException($"{file.FilePath}: '{entry.Name}' is {entry.ShapeText}, which is no {name} [{string.Join(", ", shape)}].");
        View.Add(name, shape, TensorPart.Of(entry));
    }

    /// <summary>Adds the queries (0), keys (1) or values (2) of a joined weight or bias.</summary>
    /// <param name="name">Of the joined tensor: <c>blocks.0.attn.qkv.weight</c>.</param>
    /// <param name="third">Which of the three.</param>
    /// <param name="entry">The tensor.</param>
    public void AddThird(string name, int third, TensorEntry entry)
    {
        if (entry.Shape.Count == 0)
            throw new InvalidDataException($"{file.FilePath}: '{entry.Name}' is a single number, which is no part of '{name}'.");
        if (!_joined.TryGetValue(name, out TensorEntry?[]? thirds))
            _joined.Add(name, thirds = new TensorEntry?[3]);
        if (thirds[third] is { } other)
            throw new InvalidDataException($"{file.FilePath}: '{other.Name}' and '{entry.Name}' both mean the {s_thirds[third]} of '{name}'.");
        thirds[third] = entry;
    }

    /// <summary>Joins what came in thirds.</summary>
    /// <exception cref="InvalidDataException">One of the three is missing, or their shapes differ.</exception>
    public void Join()
    {
        foreach ((string name, TensorEntry?[] thirds) in _joined)
        {
            TensorEntry first = thirds.OfType<TensorEntry>().First();
            if (thirds.FirstOrDefault(third => third is not null && !third.Shape.SequenceEqual(first.Shape)) is { } other)
                throw new InvalidDataException($"{file.FilePath}: '{first.Name}' is {first.ShapeText}, but '{other.Name}' {other.ShapeText}: queries, keys and values must have the same shape.");
            // Scores do not depend on a bias of the keys: networks are trained without one. Everything else must be there.
            bool lacksKeyBias = thirds is [not null, null, not null] && first.Shape.Count == 1;
            if (!lacksKeyBias && Array.IndexOf(thirds, null) is var missing and >= 0)
                throw new InvalidDataException($"{file.FilePath}: '{first.Name}' has no {s_thirds[missing]} beside it.");
            TensorPart[] parts = Array.ConvertAll(thirds, third => third is null ? TensorPart.Zeros(first.Count) : TensorPart.Of(third));
            View.Add(name, [3 * first.Shape[0], .. first.Shape.Skip(1)], parts);
            if (lacksKeyBias)
                View.AddValues($"{name}_mask", [3 * first.Count], () => Mask((int)first.Count));
        }
    }

    /// <summary>Ones, but zeros for the keys.</summary>
    private static float[] Mask(int width)
    {
        float[] mask = new float[3 * width];
        mask.AsSpan().Fill(1);
        mask.AsSpan(width, width).Clear();
        return mask;
    }
}
