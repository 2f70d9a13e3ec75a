using System.Numerics.Tensors;
using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>One picture, however it is given, has one feature.</summary>
public sealed class ImageEmbedderTests(TinyModels models) : IClassFixture<TinyModels>
{
    [Fact]
    public async Task Every_way_to_give_a_picture_gives_the_same_bits()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 2 });
        (string path, Image image) = (models.Paths[3], models.Images[3]);
        float[] expected = embedder.Embed(image), written = new float[embedder.Width];
        Assert.Equal(48, embedder.Width);
        Assert.Equal("vit", embedder.Name);
        Assert.Equal(1, TensorPrimitives.Norm<float>(expected), 1e-5f);
        Assert.Equal(expected, embedder.Embed(path));
        using FileStream file = File.OpenRead(path);
        Assert.Equal(expected, embedder.Embed(file));
        Assert.Equal(expected, embedder.Embed(image.Pixels, image.Width, image.Height));
        Assert.Equal(expected, await embedder.EmbedAsync(path));
        Assert.Equal(expected, await embedder.EmbedAsync(image));
        Assert.Equal(expected, await embedder.EmbedAsync(File.ReadAllBytes(path)));
        file.Position = 0;
        Assert.Equal(expected, await embedder.EmbedAsync(file));
        embedder.Embed(path, written);
        Assert.Equal(expected, written);
        float[] pixels = new float[3 * 32 * 32];
        embedder.Preprocess(image, pixels);
        written.AsSpan().Clear();
        embedder.Embed(new ReadOnlyTensorSpan<float>(pixels, [1, 3, 32, 32]), new TensorSpan<float>(written, [1, embedder.Width]));
        Assert.Equal(expected, written);
    }

    [Fact]
    public void The_feature_is_that_of_the_evaluation()
    {
        using CpuDevice device = new(1);
        using LoadedModel model = ModelFile.Load(models.Transformer, device, new ModelLoadOptions { Format = WeightFormat.F32 });
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Device = device });
        FeatureSet set = FeatureSet.OfModel(model, ImageFolder.Open(models.Pictures));
        Assert.Equal(set.Values, embedder.EmbedBatch(models.Paths));
        Assert.Equal(set.Values[..48], FeatureSet.OfImage(model, models.Images[0], "").Values);
    }

    [Theory]
    [InlineData(FeatureKind.Cls, 48)]
    [InlineData(FeatureKind.ClsAndPatchMean, 96)]
    [InlineData(FeatureKind.LastBlocks, 96)]
    public void Features_are_made_of_the_tokens_of_the_network(FeatureKind kind, int width)
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { FeatureKind = kind, Blocks = 2, Normalize = false, Threads = 1 });
        Assert.Equal(width, embedder.Width);
        float[] feature = embedder.Embed(models.Images[0]), pixels = new float[3 * 32 * 32];
        embedder.Preprocess(models.Images[0], pixels);
        using Scope scope = embedder.Model.Device.OpenScope(GradMode.Off);
        VisionTransformer network = (VisionTransformer)embedder.Model.Backbone;
        TokenSequence[] layers = network.IntermediateLayers(scope.Upload(pixels, [1, 3, 32, 32]), 2);
        float[] last = layers[1].Cls.ToArray(), before = layers[0].Cls.ToArray(), mean = layers[1].Patches.Mean([1]).ToArray();
        float[] expected = kind switch { FeatureKind.Cls => last, FeatureKind.LastBlocks => [.. before, .. last], _ => [.. last, .. mean] };
        // The last block for the CLS token alone sums in another order; values are of order 1.
        Assert.All(expected.Zip(feature), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));
    }

    [Fact]
    public void A_residual_network_has_one_feature()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Residual, new EmbedderOptions { Threads = 1 });
        Assert.Equal(64, embedder.Embed(models.Paths[0]).Length);
        ArgumentException error = Assert.Throws<ArgumentException>(() => ImageEmbedder.Load(models.Residual, new EmbedderOptions { FeatureKind = FeatureKind.LastBlocks, Blocks = 1 }));
        Assert.Contains("ResNet has one pooled feature", error.Message, StringComparison.Ordinal);
        Assert.Contains("3 blocks", Assert.Throws<ArgumentException>(() => ImageEmbedder.Load(models.Transformer, new EmbedderOptions { FeatureKind = FeatureKind.LastBlocks })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        Refused(new EmbedderOptions { Threads = -1 }, "Threads is -1");
        Refused(new EmbedderOptions { Device = CpuDevice.Shared, Threads = 2 }, "Threads is 2");
        Refused(new EmbedderOptions { MaxBatch = 0 }, "MaxBatch is 0");
        Refused(new EmbedderOptions { BatchDelay = TimeSpan.FromMilliseconds(1) }, "BatchDelay is");
        Refused(new EmbedderOptions { Blocks = 0 }, "Blocks is 0");
        Refused(new EmbedderOptions { FeatureKind = (FeatureKind)9 }, "FeatureKind is 9");
        Refused(new EmbedderOptions { Precision = (WeightFormat)9 }, "Precision is 9");

        static void Refused(EmbedderOptions options, string message) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => ImageEmbedder.Load("nothing.safetensors", options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_preprocessing_is_what_the_network_sees()
    {
        Preprocessing preprocessing = new() { Size = 16, ResizeTo = 16 };
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Preprocessing = preprocessing, Threads = 1 });
        Assert.Equal(preprocessing, embedder.Preprocessing);
        using ImageEmbedder usual = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        Assert.NotEqual(usual.Embed(models.Images[0]), embedder.Embed(models.Images[0]));
    }

    [Fact]
    public void A_warm_embedding_of_a_picture_allocates_nothing()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        float[] feature = new float[embedder.Width];
        for (int i = 0; i < 3; i++)
            embedder.Embed(models.Images[0], feature);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
            embedder.Embed(models.Images[0], feature);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task A_picture_that_cannot_be_decoded_fails_with_the_words_of_the_decoder()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        string corrupt = models.Corrupt();
        string words = Assert.Throws<CorruptImageException>(() => embedder.Embed(corrupt)).Message;
        Assert.StartsWith($"{corrupt}: ", words, StringComparison.Ordinal);
        Assert.Equal(words, (await Assert.ThrowsAsync<CorruptImageException>(() => embedder.EmbedAsync(corrupt))).Message);
        Assert.Equal(words, Assert.Throws<CorruptImageException>(() => embedder.EmbedBatch([models.Paths[0], corrupt, models.Path("none.png")])).Message);
        await Assert.ThrowsAsync<FileNotFoundException>(() => embedder.EmbedAsync(models.Path("none.png")));
        Assert.Throws<ImageTooLargeException>(() =>
        {
            using ImageEmbedder small = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1, Limits = new DecodeLimits { MaxPixels = 100 } });
            small.Embed(models.Paths[0]);
        });
        Assert.Equal(embedder.Embed(models.Images[0]), embedder.Embed(models.Paths[0]));
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer, new EmbedderOptions { Threads = 1 });
        Assert.Contains("48 numbers", Assert.Throws<ArgumentException>(() => embedder.Embed(models.Images[0], new float[47])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => embedder.EmbedBatch(models.Images, new float[48]));
        Assert.Contains("[1, 4, 32, 32]", Assert.Throws<ArgumentException>(() => embedder.Embed(new ReadOnlyTensorSpan<float>(new float[4 * 32 * 32], [1, 4, 32, 32]), new TensorSpan<float>(new float[48], [1, 48]))).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 48]", Assert.Throws<ArgumentException>(() => embedder.Embed(new ReadOnlyTensorSpan<float>(new float[6 * 32 * 32], [2, 3, 32, 32]), new TensorSpan<float>(new float[48], [1, 48]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => embedder.Embed(new byte[5], 1, 1));
        Assert.Empty(embedder.EmbedBatch(Array.Empty<string>()));
    }
}
