namespace Dino.Samples.WebGallery;

/// <summary>The page, from the resources of the program, and the pictures of the gallery.</summary>
internal static class PageEndpoints
{
    public static void Map(WebApplication app)
    {
        Resource(app, "/", "index.html", "text/html; charset=utf-8");
        Resource(app, "/page.css", "page.css", "text/css; charset=utf-8");
        Resource(app, "/page.js", "page.js", "text/javascript; charset=utf-8");
        app.MapGet("/gallery/{id:int}", (int id, Gallery gallery) => gallery.FileOf(id) is { } file
            ? Results.File(file, Path.GetExtension(file).Equals(".png", StringComparison.OrdinalIgnoreCase) ? "image/png" : "image/jpeg")
            : Results.NotFound());
    }

    private static void Resource(WebApplication app, string path, string name, string type)
    {
        using Stream stream = typeof(PageEndpoints).Assembly.GetManifestResourceStream(name)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        app.MapGet(path, () => Results.Bytes(content, type));
    }
}
