using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Dino.Tensors;

/// <summary>The lengths of a tensor's axes, outermost first; at most six, stored inline. Prints <c>[8, 197, 384]</c>.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>, IEnumerable<int>
{
    /// <summary>The largest number of axes.</summary>
    public const int MaxRank = 6;

    [InlineArray(MaxRank)]
    private struct Lengths
    {
        private int _first;
    }

    private readonly Lengths _lengths;

    /// <summary>A shape of the given axis lengths.</summary>
    /// <exception cref="ArgumentException">More than six axes, a negative length, or more than 2^31 - 1 elements on an axis product.</exception>
    public Shape(params ReadOnlySpan<int> lengths)
    {
        if (lengths.Length > MaxRank)
            throw new ArgumentException($"A shape has at most {MaxRank} axes; {lengths.Length} were given.", nameof(lengths));
        long count = 1;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 0)
                throw new ArgumentException($"Axis {i} has length {lengths[i]}; lengths are not negative.", nameof(lengths));
            _lengths[i] = lengths[i];
            count = checked(count * lengths[i]);
        }

        Rank = lengths.Length;
        Count = count;
    }

    /// <summary>Number of axes; 0 for a scalar.</summary>
    public int Rank { get; }

    /// <summary>Number of elements: the product of the lengths, 1 for a scalar.</summary>
    public long Count { get; }

    /// <summary>Length of an axis; negative axes count from the end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The axis does not exist.</exception>
    public int this[int axis] => _lengths[Axis(axis)];

    /// <summary>A shape of the given axis lengths, for collection expressions: <c>Shape s = [2, 3];</c></summary>
    public static Shape Create(ReadOnlySpan<int> lengths) => new(lengths);

    /// <summary>Turns a possibly negative axis number into one in [0, Rank).</summary>
    public int Axis(int axis)
    {
        int resolved = axis < 0 ? axis + Rank : axis;
        return (uint)resolved < (uint)Rank
            ? resolved
            : throw new ArgumentOutOfRangeException(nameof(axis), axis, $"Shape {this} has {Rank} axes.");
    }

    /// <summary>The axis lengths.</summary>
    [UnscopedRef]
    public ReadOnlySpan<int> AsSpan() => ((ReadOnlySpan<int>)_lengths)[..Rank];

    /// <summary>Product of the lengths of axes [start, end).</summary>
    public long Product(int start, int end)
    {
        long product = 1;
        for (int i = start; i < end; i++)
            product *= _lengths[i];
        return product;
    }

    /// <summary>This shape with one axis replaced.</summary>
    public Shape With(int axis, int length)
    {
        Span<int> lengths = stackalloc int[Rank];
        AsSpan().CopyTo(lengths);
        lengths[Axis(axis)] = length;
        return new Shape(lengths);
    }

    /// <summary>This shape with two more axes behind it: a batch of matrices. (A spread in a collection expression would allocate.)</summary>
    public Shape Append(int rows, int columns)
    {
        Span<int> lengths = stackalloc int[Rank + 2];
        AsSpan().CopyTo(lengths);
        (lengths[Rank], lengths[Rank + 1]) = (rows, columns);
        return new Shape(lengths);
    }

    /// <summary>This shape without one axis.</summary>
    public Shape Without(int axis)
    {
        int gone = Axis(axis);
        Span<int> lengths = stackalloc int[Rank - 1];
        for (int i = 0, j = 0; i < Rank; i++)
        {
            if (i != gone)
                lengths[j++] = _lengths[i];
        }

        return new Shape(lengths);
    }

    /// <summary>Row-major element strides, outermost first.</summary>
    /// <param name="strides">At least <see cref="Rank"/> long.</param>
    public void Strides(Span<long> strides)
    {
        long stride = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= _lengths[i];
        }
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => AsSpan().SequenceEqual(other.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int length in AsSpan())
            hash.Add(length);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", this)}]";

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator()
    {
        for (int i = 0; i < Rank; i++)
            yield return _lengths[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Same axes, same lengths.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Different axes or lengths.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);
}
