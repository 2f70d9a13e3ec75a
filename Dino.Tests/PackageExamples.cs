using Dino.Cuda;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Embedding;
using Dino.Tensors;

namespace Dino.Tests;

/// <summary>The examples in the README files of the packages, which show the regions word for word.</summary>
internal static class PackageExamples
{
    #region Dino.Tensors
    public static float[] Gradient(float[] values)
    {
        using CpuDevice device = new();
        using Scope scope = device.OpenScope();                             // owns every tensor below
        Tensor x = scope.Upload(values, [values.Length], requiresGradient: true);
        scope.Backward((x.Square() * x).Sum());
        return x.GradientToArray();                                         // 3 x²
    }
    #endregion

    #region Dino.Imaging
    public static void Thumbnail(string photo, string thumbnail, int shortSide)
    {
        Image image = ImageFile.Decode(photo, new DecodeLimits { MaxPixels = 50_000_000 });
        (int width, int height) = PixelBox.ScaledSides(image.Width, image.Height, shortSide);
        PngEncoder.Save(Resampler.Resize(image, width, height), thumbnail);
    }
    #endregion

    #region Dino.Nn
    public static int[] Features(float[] pixels)
    {
        using CpuDevice device = new();
        using ParameterStore parameters = new();
        VisionTransformer network = new(parameters.Root, VisionTransformerOptions.Tiny with { ImageSize = 64, Depth = 2 });
        parameters.Allocate(device, seed: 0);                               // then StateDict.Load(parameters, file) for trained weights
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor features = network.Forward(scope.Upload(pixels, [1, 3, 64, 64]));
        return [features.Shape[0], features.Shape[1]];                      // [1, 192], one row a picture
    }
    #endregion

    #region Dino.Cuda
    public static Device BestDevice()
    {
        if (CudaDevice.IsAvailable(out string reason))
            return new CudaDevice(0, CudaPrecision.TF32);
        Console.Error.WriteLine($"computing on the CPU: {reason}");
        return new CpuDevice();
    }
    #endregion

    #region Dino.Ssl
    public static float Cosine(string weights, string first, string second)
    {
        using ImageEmbedder embedder = ImageEmbedder.Load(weights);         // one for the whole application: any number of threads may use it
        float[] a = embedder.Embed(first), b = embedder.Embed(second);      // vectors of length 1
        return a.Zip(b, (x, y) => x * y).Sum();
    }
    #endregion
}
