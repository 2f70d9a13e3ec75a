using System.Text.Json;
using Dino.Samples.WebGallery;

try
{
    await using WebApplication app = GalleryApplication.Build(args);
    await app.RunAsync();
    return 0;
}
catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or JsonException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 1;
}
