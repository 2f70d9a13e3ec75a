namespace Dino.Nn;

/// <summary>How the places of patches become coordinates.</summary>
public enum RotaryCoordinates : byte
{
    /// <summary>Rows by the number of rows, columns by the number of columns: every picture spans -1 to 1.</summary>
    Separate,

    /// <summary>Both by the smaller number.</summary>
    Smaller,

    /// <summary>Both by the larger number.</summary>
    Larger,
}
