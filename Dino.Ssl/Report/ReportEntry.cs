namespace Dino.Ssl.Report;

/// <summary>One row of a table of names and values.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">Its value as text.</param>
public sealed record ReportEntry(string Name, string Value);
