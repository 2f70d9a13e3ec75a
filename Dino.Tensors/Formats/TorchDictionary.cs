using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Dino.Tensors.Formats;

/// <summary>
/// A Python dictionary in its own order. Keys are string, long, <see cref="BigInteger"/>, double or bool, or a tuple (compared as an object, not by
/// its items); values are as <see cref="TorchFile.Root"/> says.
/// </summary>
public class TorchDictionary : IReadOnlyDictionary<object, object?>
{
    // Most dictionaries of a hostile file would be empty: an empty one costs no table.
    private OrderedDictionary<object, object?>? _items;

    internal TorchDictionary()
    {
    }

    /// <inheritdoc/>
    public int Count => _items?.Count ?? 0;

    /// <inheritdoc/>
    public IEnumerable<object> Keys => _items is null ? [] : _items.Keys;

    /// <inheritdoc/>
    public IEnumerable<object?> Values => _items is null ? [] : _items.Values;

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">There is no such key; the message lists some that exist.</exception>
    public object? this[object key] => TryGetValue(key, out object? value)
        ? value
        : throw new KeyNotFoundException($"There is no key '{key}'. There are: {string.Join(", ", Keys.Take(8))}{(Count > 8 ? ", ..." : "")}.");

    /// <inheritdoc/>
    public bool ContainsKey(object key) => _items?.ContainsKey(key) ?? false;

    /// <inheritdoc/>
    public bool TryGetValue(object key, [MaybeNullWhen(false)] out object? value)
    {
        value = null;
        return _items is not null && _items.TryGetValue(key, out value);
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<object, object?>> GetEnumerator() => (_items ?? Enumerable.Empty<KeyValuePair<object, object?>>()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Set(object key, object? value) => (_items ??= new OrderedDictionary<object, object?>(KeyComparer.Shared))[key] = value;

    /// <summary>Mixes the bits of numbers with the process's own seed: the hash .NET gives them can be aimed at one bucket by whoever writes the file.</summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Shared = new();

        public new bool Equals(object? x, object? y) => object.Equals(x, y);

        public int GetHashCode(object key) => key switch
        {
            long number => Mix(number),
            double number => Mix(BitConverter.DoubleToInt64Bits(number)),
            BigInteger number => Mix(number),
            _ => key.GetHashCode(),
        };

        private static int Mix(long bits) => HashCode.Combine((int)bits, (int)(bits >> 32));

        private static int Mix(BigInteger number)
        {
            HashCode hash = default;
            hash.AddBytes(number.ToByteArray());
            return hash.ToHashCode();
        }
    }
}
