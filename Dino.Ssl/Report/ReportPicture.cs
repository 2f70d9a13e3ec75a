using Dino.Imaging;

namespace Dino.Ssl.Report;

/// <summary>A picture with its caption.</summary>
/// <param name="Image">Stored in the page as PNG.</param>
/// <param name="Caption">Text below it.</param>
/// <param name="Scale">Page pixels per picture pixel; pixels stay sharp when it is above 1.</param>
public sealed record ReportPicture(Image Image, string Caption, int Scale = 1);
