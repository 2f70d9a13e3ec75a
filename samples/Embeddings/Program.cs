// How alike are these pictures? dotnet run -c Release -- WEIGHTS PICTURE PICTURE ...
using System.Globalization;
using System.Numerics.Tensors;
using Dino.Imaging;
using Dino.Ssl.Embedding;

if (args.Length < 3)
{
    Console.Error.WriteLine("error: Give a file of weights and two pictures or more. 'dino demo' makes weights, demo/run/teacher.safetensors, and pictures, demo/pictures.");
    return 2;
}

try
{
    using ImageEmbedder embedder = ImageEmbedder.Load(args[0]);
    string[] pictures = args[1..];
    int width = embedder.Width;
    float[] features = embedder.EmbedBatch(pictures);       // [N, D], each row of length 1: a dot product is a cosine

    Console.Out.WriteLine($"{embedder.Name}: {width} numbers a picture; cosines:");
    for (int row = 0; row < pictures.Length; row++)
    {
        for (int column = 0; column < pictures.Length; column++)
        {
            float cosine = TensorPrimitives.Dot<float>(features.AsSpan(row * width, width), features.AsSpan(column * width, width));
            Console.Out.Write(cosine.ToString("F3", CultureInfo.InvariantCulture).PadLeft(7));
        }

        Console.Out.WriteLine($"  {pictures[row]}");
    }

    return 0;
}
catch (Exception error) when (error is ImageException or IOException or InvalidDataException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 1;
}
