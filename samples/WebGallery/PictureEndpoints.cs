using Dino.Ssl.Embedding;
using Microsoft.AspNetCore.Http.Features;

namespace Dino.Samples.WebGallery;

/// <summary>What can be asked about a picture. The body of a request is the file itself, PNG or JPEG: <c>curl --data-binary @photo.jpg http://localhost:5000/embed</c>.</summary>
internal static class PictureEndpoints
{
    private const int MostMatches = 100;

    public static void Map(WebApplication app)
    {
        app.MapGet("/model", (ImageEmbedder embedder, PictureAnalysis analysis, Gallery gallery, GalleryOptions options) =>
            new ModelAnswer(embedder.Name, embedder.Width, analysis.Heads, gallery.Count, gallery.Examples(count: 8), options.MaxUploadBytes));

        RouteGroupBuilder pictures = app.MapGroup("").RequireRateLimiting(GalleryApplication.PictureLimit);
        pictures.AddEndpointFilter(RefuseLargeAsync);

        pictures.MapPost("/embed", async (HttpRequest request, ImageEmbedder embedder, CancellationToken cancellationToken) =>
            new EmbedAnswer(embedder.Name, await embedder.EmbedAsync(request.Body, cancellationToken)));

        pictures.MapPost("/search", async (HttpRequest request, ImageEmbedder embedder, Gallery gallery, CancellationToken cancellationToken, int k = 12) =>
        {
            if (k is < 1 or > MostMatches)
                return Results.Problem($"k must lie between 1 and {MostMatches}, not be {k}.", statusCode: StatusCodes.Status400BadRequest);
            if (gallery.Count == 0)
                return Results.Problem("There is no gallery to search. Start with --gallery DIR.", statusCode: StatusCodes.Status409Conflict);
            float[] feature = await embedder.EmbedAsync(request.Body, cancellationToken);
            return Results.Ok(new SearchAnswer(gallery.Nearest(feature, k)));
        });

        pictures.MapPost("/attention", async (HttpRequest request, PictureAnalysis analysis, CancellationToken cancellationToken) => analysis.Heads == 0
            ? Results.Problem("This network is no vision transformer and has no attention to draw.", statusCode: StatusCodes.Status409Conflict)
            : Results.Ok(await analysis.AttentionAsync(request.Body, cancellationToken)));

        pictures.MapPost("/pca", (HttpRequest request, PictureAnalysis analysis, CancellationToken cancellationToken) => analysis.ComponentsAsync(request.Body, cancellationToken));
    }
    /// <summary>What says beforehand that it is too large is answered unread; what does not say is cut off at the limit.</summary>
    private static async ValueTask<object?> RefuseLargeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        HttpContext http = context.HttpContext;
        long most = http.RequestServices.GetRequiredService<GalleryOptions>().MaxUploadBytes;
        if (http.Request.ContentLength is { } length && length > most)
            return Results.Problem($"The upload is too large: {length} bytes, the limit is {most} (--max-upload).", statusCode: StatusCodes.Status413PayloadTooLarge);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
            body.MaxRequestBodySize = most;
        return await next(context);
    }
}
