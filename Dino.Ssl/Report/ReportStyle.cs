namespace Dino.Ssl.Report;

/// <summary>The style sheet of the report page.</summary>
internal static class ReportStyle
{
    public const string Css = """
        :root { --page: #f5f6f8; --card: #ffffff; --edge: #e1e5ea; --text: #1f2328; --quiet: #656d76; --accent: #2563c9; --bar: #a9b4c2; --track: #edf0f4; }
        @media (prefers-color-scheme: dark) { :root { --page: #0d1014; --card: #14181d; --edge: #262c34; --text: #e6e9ed; --quiet: #9aa4af; --accent: #6ea8fe; --bar: #566270; --track: #20262d; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 24px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; letter-spacing: -.01em; }
        h2 { font-size: 17px; margin: 0 0 14px; }
        .summary { margin: 0; max-width: 75ch; color: var(--quiet); }
        section { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 20px 22px; margin-top: 18px; }
        figure { margin: 0; }
        .note { margin: 12px 0 0; color: var(--quiet); font-size: 13px; }
        table { border-collapse: collapse; width: 100%; }
        th, td { padding: 7px 10px 7px 0; text-align: left; font-weight: 400; white-space: nowrap; }
        thead th { color: var(--quiet); font-size: 13px; border-bottom: 1px solid var(--edge); }
        .number { text-align: right; font-variant-numeric: tabular-nums; padding: 7px 0 7px 14px; }
        .bar { width: 100%; } .bar div { background: var(--track); border-radius: 4px; overflow: hidden; }
        .bar span { display: block; height: 16px; background: var(--bar); border-radius: 4px; }
        .result th, .result td { font-weight: 600; } .result .bar span { background: var(--accent); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 20px 26px; }
        .charts svg { width: 100%; height: auto; display: block; }
        .pictures { display: flex; flex-wrap: wrap; gap: 18px; }
        .pictures img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px; }
        figcaption { color: var(--quiet); font-size: 13px; margin-top: 6px; }
        dl { margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr)); column-gap: 44px; }
        dl div { display: flex; justify-content: space-between; gap: 16px; padding: 5px 0; border-bottom: 1px solid var(--edge); }
        dt { color: var(--quiet); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        footer { margin-top: 20px; color: var(--quiet); font-size: 12.5px; }
        .wide { overflow-x: auto; }
        @media (max-width: 560px) { main { padding: 20px 12px; } section { padding: 16px 14px; } table { font-size: 13px; } th, td { padding-right: 6px; white-space: normal; } .number { padding-left: 6px; white-space: nowrap; } .bar { min-width: 56px; } }
        @media print { body { background: none; } section { break-inside: avoid; } }
        """;
}
