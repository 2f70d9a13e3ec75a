namespace Dino.Ssl.Plots;

/// <summary>Colours and shapes that tell groups apart, on light and dark ground: twelve colours in four shapes, then over again.</summary>
internal static class GroupStyle
{
    private static readonly (byte R, byte G, byte B)[] s_colours =
    [
        (37, 99, 201), (232, 121, 28), (38, 150, 84), (214, 51, 62), (138, 79, 200), (140, 92, 56),
        (228, 112, 178), (18, 158, 166), (168, 158, 22), (122, 128, 136), (96, 178, 240), (120, 30, 80),
    ];

    /// <summary>The colour of a group; of points without one, that of the first.</summary>
    public static (byte R, byte G, byte B) Colour(int group) => s_colours[Math.Max(0, group) % s_colours.Length];

    public static Mark Mark(int group) => (Mark)(Math.Max(0, group) / s_colours.Length % 4);

    public static string Css(int group) => Colour(group) is var (r, g, b) ? $"#{r:x2}{g:x2}{b:x2}" : "";
}
