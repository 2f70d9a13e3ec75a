using System.Collections;

namespace Dino.Tensors.Formats;

/// <summary>A Python list, tuple or set. The items of a set are in the order of the file, repeated ones included.</summary>
public sealed class TorchSequence : IReadOnlyList<object?>
{
    private readonly List<object?> _items;

    internal TorchSequence(TorchSequenceKind kind, List<object?> items) => (Kind, _items) = (kind, items);

    /// <summary>Which of the three.</summary>
    public TorchSequenceKind Kind { get; }

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public object? this[int index] => _items[index];

    /// <inheritdoc/>
    public IEnumerator<object?> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(object? item) => _items.Add(item);
}
