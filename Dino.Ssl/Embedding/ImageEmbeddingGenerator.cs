using Dino.Imaging;
using Microsoft.Extensions.AI;

namespace Dino.Ssl.Embedding;

/// <summary>An <see cref="ImageEmbedder"/> behind the interface by which .NET applications know embedding services.</summary>
/// <remarks>Any number of threads may use it at once. There are no tokens to count: <see cref="GeneratedEmbeddings{TEmbedding}.Usage"/> is null.</remarks>
public sealed class ImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private const string Provider = "dino";
    private static readonly string[] s_mediaTypes = ["image/png", "image/jpeg"];

    private readonly ImageEmbedder _embedder;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly bool _ownsEmbedder;

    /// <summary>Puts an embedder behind the interface.</summary>
    /// <param name="embedder">Computes the embeddings.</param>
    /// <param name="modelId">What the model is called; the embedder's name unless given.</param>
    /// <param name="ownsEmbedder">Whether <see cref="Dispose"/> disposes the embedder as well, true unless given. A generator of a shared embedder gets false.</param>
    public ImageEmbeddingGenerator(ImageEmbedder embedder, string? modelId = null, bool ownsEmbedder = true)
    {
        ArgumentNullException.ThrowIfNull(embedder);
        (_embedder, _ownsEmbedder) = (embedder, ownsEmbedder);
        _metadata = new EmbeddingGeneratorMetadata(Provider, providerUri: null, modelId ?? embedder.Name, embedder.Width);
    }

    /// <summary>The embedding of each picture, computed on the thread pool, several at a time.</summary>
    /// <param name="values">Encoded pictures of the media type image/png or image/jpeg.</param>
    /// <param name="options">Null, or the model and dimensions that this generator has.</param>
    /// <param name="cancellationToken">Ends this call; others are not affected.</param>
    /// <returns>One embedding a picture, in their order.</returns>
    /// <exception cref="ArgumentException">A value is no picture, or the options ask for another model or other dimensions.</exception>
    /// <exception cref="ImageException">A picture is corrupt, unsupported or too large: the first such one.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        RequireOwn(options);
        DataContent[] pictures = [.. values];
        // All are looked at before the first is computed.
        for (int i = 0; i < pictures.Length; i++)
            RequirePicture(pictures[i], i);
        Task<float[]>[] features = Array.ConvertAll(pictures, picture => _embedder.EmbedAsync(picture.Data, cancellationToken));
        // Every one has ended when this call returns, so that the caller may reuse the memory of the pictures.
        await ((Task)Task.WhenAll(features)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        GeneratedEmbeddings<Embedding<float>> embeddings = new(features.Length);
        foreach (Task<float[]> feature in features)
            embeddings.Add(new Embedding<float>(await feature.ConfigureAwait(false)) { CreatedAt = now, ModelId = _metadata.DefaultModelId });
        return embeddings;
    }

    /// <summary>The metadata (<see cref="EmbeddingGeneratorMetadata"/>), the <see cref="ImageEmbedder"/>, or this generator under one of its types; otherwise null.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType == typeof(ImageEmbedder) ? _embedder
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Disposes the embedder if this generator owns it: waits for calls that are under way, as <see cref="ImageEmbedder.Dispose"/> does.</summary>
    public void Dispose()
    {
        if (_ownsEmbedder)
            _embedder.Dispose();
    }

    private void RequireOwn(EmbeddingGenerationOptions? options)
    {
        if (options?.Dimensions is { } dimensions && dimensions != _embedder.Width)
            throw new ArgumentException($"This model's embeddings have {_embedder.Width} dimensions, not {dimensions}. Leave Dimensions out.", nameof(options));
        if (options?.ModelId is { } model && model != _metadata.DefaultModelId)
            throw new ArgumentException($"This generator has the model '{_metadata.DefaultModelId}', not '{model}'. Leave ModelId out.", nameof(options));
    }

    private static void RequirePicture(DataContent? content, int index)
    {
        if (content is null)
            throw new ArgumentException($"Value {index} is null.");
        // A type may carry parameters behind a semicolon.
        string type = content.MediaType.Split(';')[0].Trim();
        if (!s_mediaTypes.Contains(type, StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException($"Value {index} has the media type '{content.MediaType}'. Pictures must be {string.Join(" or ", s_mediaTypes)}.");
    }
}
