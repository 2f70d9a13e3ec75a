namespace Dino.Tensors;

/// <summary>An extent in rows and columns: a kernel, a stride, a padding, a picture. One number means both.</summary>
/// <param name="Y">Rows.</param>
/// <param name="X">Columns.</param>
public readonly record struct Size2D(int Y, int X)
{
    /// <summary>The same extent in both directions.</summary>
    public static implicit operator Size2D(int both) => new(both, both);

    /// <summary>This extent, or another one where it was left out (<c>default</c>).</summary>
    internal Size2D Or(Size2D other) => this == default ? other : this;

    /// <inheritdoc/>
    public override string ToString() => $"{Y} x {X}";
}
