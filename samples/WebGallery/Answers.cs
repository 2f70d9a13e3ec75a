using System.Text.Json.Serialization;

namespace Dino.Samples.WebGallery;

/// <summary>What there is.</summary>
/// <param name="Name">File of the weights.</param>
/// <param name="Width">Numbers in a feature.</param>
/// <param name="Heads">Attention heads; 0 without attention.</param>
/// <param name="Gallery">Pictures to search.</param>
/// <param name="Examples">Some of them.</param>
/// <param name="MaxUploadBytes">Largest picture taken.</param>
internal sealed record ModelAnswer(string Name, int Width, int Heads, int Gallery, IReadOnlyList<GalleryPicture> Examples, long MaxUploadBytes);

/// <summary>A picture of the gallery, at <c>/gallery/{id}</c>.</summary>
internal sealed record GalleryPicture(int Id, string Name);

/// <summary>The L2-normalised feature of a picture.</summary>
internal sealed record EmbedAnswer(string Model, float[] Feature);

/// <summary>Pictures of the gallery, most similar first.</summary>
internal sealed record SearchAnswer(IReadOnlyList<Match> Matches);

/// <summary>A picture of the gallery and its cosine to the query.</summary>
internal sealed record Match(int Id, string Name, float Cosine);

/// <summary>Attention of the CLS token over a picture, as PNG pictures of one pixel a patch.</summary>
/// <param name="Area">What the patches cover.</param>
/// <param name="Mean">Mean over the heads, a data URI.</param>
/// <param name="Heads">Each head, data URIs.</param>
internal sealed record AttentionAnswer(PatchArea Area, string Mean, string[] Heads);

/// <summary>The first three principal components of the patches as red, green and blue.</summary>
/// <param name="Area">What the patches cover.</param>
/// <param name="Colours">A PNG picture of one pixel a patch, a data URI.</param>
/// <param name="Shares">Shares of the variance that the components explain.</param>
internal sealed record ComponentsAnswer(PatchArea Area, string Colours, double[] Shares);

/// <summary>A grid of patches from the top left corner of a picture. At the right and at the bottom less than a patch may be left over.</summary>
/// <param name="Rows">Patches in a column.</param>
/// <param name="Columns">Patches in a row.</param>
/// <param name="Width">Covered share of the width of the picture.</param>
/// <param name="Height">Covered share of its height.</param>
internal sealed record PatchArea(int Rows, int Columns, double Width, double Height);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ModelAnswer))]
[JsonSerializable(typeof(EmbedAnswer))]
[JsonSerializable(typeof(SearchAnswer))]
[JsonSerializable(typeof(AttentionAnswer))]
[JsonSerializable(typeof(ComponentsAnswer))]
internal sealed partial class GalleryJson : JsonSerializerContext;
