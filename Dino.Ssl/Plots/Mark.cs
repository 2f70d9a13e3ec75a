namespace Dino.Ssl.Plots;

/// <summary>The shape of a point in a plot: groups beyond the number of colours differ in it.</summary>
internal enum Mark
{
    Disc,
    Square,
    Diamond,
    Triangle,
}
