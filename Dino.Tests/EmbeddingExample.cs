using System.Numerics.Tensors;
using Dino.Ssl.Embedding;
using Dino.Tensors.Backends;
using Microsoft.Extensions.AI;

namespace Dino.Tests;

/// <summary>The examples of docs/embedding.md, which shows the regions word for word.</summary>
internal static class EmbeddingExample
{
    #region The most similar picture
    public static async Task<string> MostSimilar(string weights, string[] album, Stream upload, CancellationToken cancellationToken)
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(weights, new EmbedderOptions { Precision = WeightFormat.I8 });
        float[] rows = embedder.EmbedBatch(album, cancellationToken);                   // [N, Width]
        float[] query = await embedder.EmbedAsync(upload, cancellationToken);           // reads without blocking

        int best = 0;
        float highest = float.NegativeInfinity;
        for (int i = 0; i < album.Length; i++)
        {
            // Features have length 1: their product is the cosine.
            float cosine = TensorPrimitives.Dot(rows.AsSpan(i * embedder.Width, embedder.Width), query);
            if (cosine > highest)
                (best, highest) = (i, cosine);
        }

        return album[best];
    }
    #endregion

    #region Microsoft.Extensions.AI
    public static async Task<ReadOnlyMemory<float>> Generate(ImageEmbedder embedder, byte[] jpeg)
    {
        using IEmbeddingGenerator<DataContent, Embedding<float>> generator = new ImageEmbeddingGenerator(embedder, "my-vit", ownsEmbedder: false);
        return await generator.GenerateVectorAsync(new DataContent(jpeg, "image/jpeg"));
    }
    #endregion
}
