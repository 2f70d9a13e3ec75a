using Dino.Imaging;
using Dino.Ssl.Embedding;
using Microsoft.Extensions.AI;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>The embedder as .NET applications know embedding services.</summary>
public sealed class ImageEmbeddingGeneratorTests(TinyModels models) : IClassFixture<TinyModels>
{
    [Fact]
    public async Task Pictures_become_embeddings_in_their_order()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        using ImageEmbeddingGenerator generator = new(embedder, ownsEmbedder: false);
        GeneratedEmbeddings<Embedding<float>> found = await generator.GenerateAsync(models.Paths[..5].Select(Content));
        Assert.Equal(5, found.Count);
        Assert.Null(found.Usage);
        for (int i = 0; i < found.Count; i++)
        {
            Assert.Equal(embedder.Embed(models.Images[i]), found[i].Vector.ToArray());
            Assert.Equal("vit", found[i].ModelId);
            Assert.Equal(48, found[i].Dimensions);
        }

        Assert.Empty(await generator.GenerateAsync([]));
        Assert.Equal(embedder.Embed(models.Images[0]), (await generator.GenerateVectorAsync(Content(models.Paths[0]))).ToArray());
    }

    [Fact]
    public void Services_are_found_by_their_type()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, FeatureKind = FeatureKind.ClsAndPatchMean });
        using ImageEmbeddingGenerator generator = new(embedder, "my-model", ownsEmbedder: false);
        EmbeddingGeneratorMetadata metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(("dino", "my-model", 96), (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions!.Value));
        Assert.Same(embedder, generator.GetService<ImageEmbedder>());
        Assert.Same(generator, generator.GetService<IEmbeddingGenerator<DataContent, Embedding<float>>>());
        Assert.Same(generator, generator.GetService<IEmbeddingGenerator>());
        Assert.Null(generator.GetService<string>());
        Assert.Null(((IEmbeddingGenerator)generator).GetService(typeof(ImageEmbedder), "key"));
    }

    [Fact]
    public async Task What_is_no_picture_is_refused()
    {
        using ImageEmbeddingGenerator generator = new(ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 }));
        DataContent text = new(new byte[4], "text/plain");
        Assert.Contains("Value 1 has the media type 'text/plain'. Pictures must be image/png or image/jpeg.", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([Content(models.Paths[0]), text]))).Message, StringComparison.Ordinal);
        Assert.Contains("'image/webp'", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([new DataContent(new byte[4], "image/webp")]))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CorruptImageException>(() => generator.GenerateAsync([Content(models.Paths[0]), Content(models.Corrupt())]));
        Assert.Contains("48 dimensions, not 47", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([], new EmbeddingGenerationOptions { Dimensions = 47 }))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync([], new EmbeddingGenerationOptions { ModelId = "other" }));
        Assert.Single(await generator.GenerateAsync([Content(models.Paths[0])], new EmbeddingGenerationOptions { ModelId = "vit", Dimensions = 48 }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => generator.GenerateAsync([Content(models.Paths[0])], cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Disposing_a_generator_disposes_the_embedder_it_owns()
    {
        using ImageEmbedder shared = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        new ImageEmbeddingGenerator(shared, ownsEmbedder: false).Dispose();
        Assert.Equal(48, shared.Embed(models.Paths[0]).Length);
        ImageEmbeddingGenerator owner = new(shared);
        owner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => shared.Embed(models.Paths[0]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => owner.GenerateAsync([Content(models.Paths[0])]));
    }

    private static DataContent Content(string path) => new(File.ReadAllBytes(path), "image/png");
}
