namespace Dino.Ssl.Report;

/// <summary>One bar of the accuracy table.</summary>
/// <param name="Name">What was evaluated, such as "raw pixels".</param>
/// <param name="TopOne">Top-1 accuracy in per cent, 0 to 100.</param>
/// <param name="TopFive">Top-5 accuracy in per cent, if known.</param>
/// <param name="IsResult">True for the network the report is about: its bar is emphasised and compared with the others.</param>
public sealed record ReportAccuracy(string Name, double TopOne, double? TopFive = null, bool IsResult = false);
