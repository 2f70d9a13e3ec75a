namespace Dino.Ssl.Plots;

/// <summary>The look of the charts as a style sheet: one for all charts of a page, light or dark as the reader prefers.</summary>
public static class ChartStyle
{
    /// <summary>Number of different line colours.</summary>
    public const int Colours = 6;

    /// <summary>Rules for <c>svg.chart</c>. The line colours differ in lightness too, so they can be told apart in print and by the colour-blind.</summary>
    public const string Css = """
        svg.chart { --ink: #24292f; --soft: #656d76; --grid: #e4e7eb; --axis: #b6bdc6; --paper: #ffffff;
          --line-0: #2563c9; --line-1: #c2570c; --line-2: #11866f; --line-3: #a03b98; --line-4: #8a6d00; --line-5: #5b5f66;
          font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
        @media (prefers-color-scheme: dark) { svg.chart { --ink: #e6e9ed; --soft: #9aa4af; --grid: #2a3038; --axis: #4b5560; --paper: #14181d;
          --line-0: #6ea8fe; --line-1: #f59a4c; --line-2: #45c9ab; --line-3: #dd86d5; --line-4: #d9bb4a; --line-5: #aab1ba; } }
        svg.chart text { fill: var(--soft); } svg.chart .title { fill: var(--ink); font-size: 14px; font-weight: 600; }
        svg.chart .grid { stroke: var(--grid); stroke-width: 1; } svg.chart .axis { stroke: var(--axis); stroke-width: 1; }
        svg.chart .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
        svg.chart .faint { stroke-width: 1; stroke-opacity: .35; } svg.chart .reference { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; }
        svg.chart .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
        """;
}
