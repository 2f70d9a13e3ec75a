namespace Dino.Ssl.Demo;

/// <summary>What the drawn pictures show; the number is the class label.</summary>
public enum DrawnClass
{
    /// <summary>Filled circles on a lattice.</summary>
    Discs,

    /// <summary>Circles with a hole.</summary>
    Rings,

    /// <summary>Filled squares with gaps.</summary>
    Squares,

    /// <summary>Filled equilateral triangles.</summary>
    Triangles,

    /// <summary>Five-pointed stars.</summary>
    Stars,

    /// <summary>Plus signs.</summary>
    Crosses,

    /// <summary>Straight parallel bands.</summary>
    Stripes,

    /// <summary>A checkerboard.</summary>
    Checkers,

    /// <summary>Bands that bend by a right angle again and again.</summary>
    Zigzags,

    /// <summary>The joints of a brick wall.</summary>
    Bricks,
}
