using System.Numerics.Tensors;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>
/// The feature of a picture has the same bits in every batch and with any number of threads: what is packed sums each element in one order, and everything else is done row by row.
/// </summary>
public sealed class BatchInvarianceTests(TinyModels models) : IClassFixture<TinyModels>
{
    public static TheoryData<string, FeatureKind, WeightFormat, VectorWidth> Cases
    {
        get
        {
            TheoryData<string, FeatureKind, WeightFormat, VectorWidth> cases = [];
            foreach (VectorWidth width in (VectorWidth[])[VectorWidth.V512, VectorWidth.V256, VectorWidth.V128])
            {
                foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
                    cases.Add("transformer", FeatureKind.Cls, format, width);
                cases.Add("transformer", FeatureKind.ClsAndPatchMean, WeightFormat.F32, width);
                cases.Add("transformer", FeatureKind.LastBlocks, WeightFormat.F32, width);
                cases.Add("rotary", FeatureKind.ClsAndPatchMean, WeightFormat.F32, width);
                cases.Add("rotary", FeatureKind.Cls, WeightFormat.F32, width);
                cases.Add("residual", FeatureKind.Cls, WeightFormat.F32, width);
                cases.Add("residual", FeatureKind.Cls, WeightFormat.I8, width);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_batch_changes_no_bit(string network, FeatureKind kind, WeightFormat format, VectorWidth width)
    {
        string path = network switch { "rotary" => models.Rotary, "residual" => models.Residual, _ => models.Transformer };
        using CpuDevice one = new(1, width), three = new(3, width);
        EmbedderOptions options = new() { FeatureKind = kind, Blocks = 2, Precision = format, Preprocessing = Preprocessing.ForSize(40) };
        using ImageEmbedder serial = ImageEmbedder.Load(path, options with { Device = one }), parallel = ImageEmbedder.Load(path, options with { Device = three });
        const int Pixels = 3 * 40 * 40, Most = 33;
        float[] pixels = new float[Most * Pixels], expected = new float[Most * serial.Width];
        for (int i = 0; i < Most; i++)
        {
            serial.Preprocess(models.Images[i % models.Images.Length], pixels.AsSpan(i * Pixels, Pixels));
            // Twenty pictures are repeated in other colours.
            TensorPrimitives.Multiply(pixels.AsSpan(i * Pixels, Pixels), 1 + (i / models.Images.Length), pixels.AsSpan(i * Pixels, Pixels));
            serial.Embed(new ReadOnlyTensorSpan<float>(pixels.AsSpan(i * Pixels, Pixels), [1, 3, 40, 40]), new TensorSpan<float>(expected.AsSpan(i * serial.Width, serial.Width), [1, serial.Width]));
        }

        Assert.NotEqual(expected[..serial.Width], expected[serial.Width..(2 * serial.Width)]);
        foreach (int batch in (int[])[2, 3, 4, 5, 7, 8, 12, 16, 25, Most])
        {
            float[] found = new float[batch * serial.Width];
            parallel.Embed(new ReadOnlyTensorSpan<float>(pixels.AsSpan(0, batch * Pixels), [batch, 3, 40, 40]), new TensorSpan<float>(found, [batch, serial.Width]));
            Assert.True(expected.AsSpan(0, found.Length).SequenceEqual(found), $"A batch of {batch} has other bits.");
        }
    }

    /// <summary>Sums over more than one block of k, and more tokens than that as well.</summary>
    [Theory]
    [InlineData(FeatureKind.Cls)]
    [InlineData(FeatureKind.ClsAndPatchMean)]
    public void Nor_in_a_network_of_full_width(FeatureKind kind)
    {
        string path = models.Path("wide.safetensors");
        if (!File.Exists(path))
            models.Save("wide.safetensors", new VisionTransformerOptions { ImageSize = 160, PatchSize = 8, Depth = 2 });
        using ImageEmbedder embedder = ImageEmbedder.Load(path, new EmbedderOptions { FeatureKind = kind });
        const int Most = 9;
        float[] together = embedder.EmbedBatch(models.Images[..Most]);
        for (int i = 0; i < Most; i++)
            Assert.Equal(together[(i * embedder.Width)..((i + 1) * embedder.Width)], embedder.Embed(models.Images[i]));
    }
}
