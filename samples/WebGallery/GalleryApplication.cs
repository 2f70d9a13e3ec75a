using System.Threading.RateLimiting;
using Dino.Ssl.Embedding;
using Microsoft.AspNetCore.RateLimiting;

namespace Dino.Samples.WebGallery;

/// <summary>Puts the application together: one embedder for all requests, limits, errors as problem+json, and the page.</summary>
internal static class GalleryApplication
{
    /// <summary>The name of the limit on pictures at once.</summary>
    public const string PictureLimit = "pictures";

    /// <summary>
    /// A body of so many times the largest upload is still read off once it has been refused: a browser that cannot send to the end shows a broken connection in
    /// place of the answer.
    /// </summary>
    private const int ReadOff = 8;

    /// <summary>Loads the network and the gallery, and makes the application.</summary>
    /// <param name="args">See <see cref="GalleryOptions"/>; <c>--urls http://localhost:5000</c> says where to listen.</param>
    /// <exception cref="ArgumentException">An option is missing or out of range.</exception>
    /// <exception cref="IOException">Weights or gallery cannot be read.</exception>
    /// <exception cref="InvalidDataException">The weights are of no known network, or the gallery holds no picture.</exception>
    public static WebApplication Build(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
        GalleryOptions options = GalleryOptions.Of(builder.Configuration);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(server => server.Limits.MaxRequestBodySize = ReadOff * options.MaxUploadBytes);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(_ => ImageEmbedder.Load(options.Weights, new EmbedderOptions { Limits = options.DecodeLimits }));
        services.AddSingleton<PictureAnalysis>();
        services.AddSingleton<Gallery>();
        services.AddProblemDetails();
        services.AddExceptionHandler<RequestProblems>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, GalleryJson.Default));
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status503ServiceUnavailable;
            limiter.AddConcurrencyLimiter(PictureLimit, limit => (limit.PermitLimit, limit.QueueLimit) = (options.MaxAtOnce, options.MaxWaiting));
        });

        WebApplication app = builder.Build();
        try
        {
            // What is wrong with weights or gallery is said now, not to the first visitor.
            app.Services.GetRequiredService<Gallery>();
        }
        catch
        {
            ((IDisposable)app).Dispose();
            throw;
        }

        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRateLimiter();
        PageEndpoints.Map(app);
        PictureEndpoints.Map(app);
        return app;
    }
}
