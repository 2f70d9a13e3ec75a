using System.Text.Json;
using Dino.Imaging;
using Dino.Imaging.Transforms;

namespace Dino.Tests.Imaging;

/// <summary>Runs one recorded transform; an operation it does not know is a failure, never a skip.</summary>
internal static class TransformCase
{
    /// <summary>An input picture; a gray one gets three equal channels, of which the first is compared.</summary>
    public static PlanarImage Read(FixtureCase fixture, string name)
    {
        int[] shape = fixture.Shape(name);
        byte[] bytes = new byte[fixture.Data.Entries[name].Length];
        fixture.Data.Read(fixture.Data.Entries[name], bytes);
        if (shape.Length == 2)
            bytes = [.. bytes.SelectMany(value => new[] { value, value, value })];
        return new PlanarImage(new Image(shape[1], shape[0], bytes));
    }

    public static void Run(PlanarImage image, JsonElement arguments)
    {
        string operation = arguments.GetProperty("op").GetString()!;
        switch (operation)
        {
            case "resize_short":
                Resize(image, PixelBox.ScaledSides(image.Width, image.Height, arguments.GetProperty("size").GetInt32()), Filter(arguments));
                break;
            case "resize_max_size":
                Resize(image, PixelBox.ScaledSides(image.Width, image.Height, arguments.GetProperty("size").GetInt32(), arguments.GetProperty("max_size").GetInt32()), Filter(arguments));
                break;
            case "resize_hw" or "resize_identity":
                Resize(image, Sides(arguments), Filter(arguments));
                break;
            case "resized_crop":
                PixelBox box = new(Int("left"), Int("top"), Int("width"), Int("height"));
                (int width, int height) = Sides(arguments);
                new Resampler().Resize(image.ToImage(), box, width, height, Filter(arguments), flip: false, image);
                break;
            case "center_crop":
                CenterCrop(image, Sides(arguments));
                break;
            case "hflip":
                Geometry.FlipHorizontal(image);
                break;
            case "vflip":
                Geometry.FlipVertical(image);
                break;
            case "brightness" or "contrast" or "saturation" or "hue":
                Jitter(image, operation, arguments.GetProperty("factor").GetDouble());
                break;
            case "grayscale1" or "grayscale3":
                ColorTransforms.Grayscale(image);
                break;
            case "gaussian_blur":
                new GaussianBlur().Apply(image, arguments.GetProperty("radius").GetSingle());
                break;
            case "solarize":
                ColorTransforms.Solarize(image, Int("threshold"));
                break;
            case "color_jitter_order":
                foreach (JsonElement step in arguments.GetProperty("order").EnumerateArray())
                    Jitter(image, step.GetString()!, arguments.GetProperty("factors").GetProperty(step.GetString()!).GetDouble());
                break;
            case "dino_view_uint8":
                View(image, arguments);
                break;
            case "eval_pipeline":
                Resize(image, PixelBox.ScaledSides(image.Width, image.Height, Int("resize_short")), Filter(arguments));
                CenterCrop(image, (Int("center_crop"), Int("center_crop")));
                break;
            case "to_tensor" or "to_tensor_normalize":
                break;
            default:
                throw new NotSupportedException($"The fixture asks for '{operation}', which this test does not know.");
        }

        int Int(string name) => arguments.GetProperty(name).GetInt32();
    }

    public static float[] ToFloats(PlanarImage image, JsonElement arguments)
    {
        PixelNormalization normalization = arguments.TryGetProperty("mean", out JsonElement mean)
            ? new() { Mean = Triple(mean), StandardDeviation = Triple(arguments.GetProperty("std")) }
            : PixelNormalization.None;
        float[] floats = new float[3 * image.Width * image.Height];
        normalization.Write(image, floats);
        return floats;

        static (float, float, float) Triple(JsonElement values) => (values[0].GetSingle(), values[1].GetSingle(), values[2].GetSingle());
    }

    public static int[] Integers(JsonElement values) => [.. values.EnumerateArray().Select(value => value.GetInt32())];

    private static void View(PlanarImage image, JsonElement arguments)
    {
        int[] box = Integers(arguments.GetProperty("box_tlhw"));
        int size = arguments.GetProperty("size").GetInt32();
        new Resampler().Resize(image.ToImage(), new PixelBox(box[1], box[0], box[3], box[2]), size, size, ResizeFilter.Bicubic, arguments.GetProperty("flip").GetBoolean(), image);
        foreach (JsonElement step in arguments.GetProperty("jitter").EnumerateArray())
            Jitter(image, step[0].GetString()!, step[1].GetDouble());
        if (arguments.GetProperty("grayscale").GetBoolean())
            ColorTransforms.Grayscale(image);
        if (arguments.GetProperty("blur_radius").ValueKind != JsonValueKind.Null)
            new GaussianBlur().Apply(image, arguments.GetProperty("blur_radius").GetSingle());
        if (arguments.GetProperty("solarize").GetBoolean())
            ColorTransforms.Solarize(image);
    }

    private static void Jitter(PlanarImage image, string step, double factor)
    {
        switch (step)
        {
            case "brightness":
                ColorTransforms.Brightness(image, (float)factor);
                break;
            case "contrast":
                ColorTransforms.Contrast(image, (float)factor);
                break;
            case "saturation":
                ColorTransforms.Saturation(image, (float)factor);
                break;
            case "hue":
                ColorTransforms.Hue(image, factor);
                break;
            default:
                throw new NotSupportedException($"The fixture jitters '{step}', which this test does not know.");
        }
    }

    private static void Resize(PlanarImage image, (int Width, int Height) sides, ResizeFilter filter) =>
        new Resampler().Resize(image.ToImage(), sides.Width, sides.Height, filter, image);

    private static void CenterCrop(PlanarImage image, (int Width, int Height) sides)
    {
        PlanarImage whole = new(image.ToImage());
        Geometry.Crop(whole, PixelBox.Center(whole.Width, whole.Height, sides.Width, sides.Height), image);
    }

    private static (int Width, int Height) Sides(JsonElement arguments) => (arguments.GetProperty("size")[1].GetInt32(), arguments.GetProperty("size")[0].GetInt32());

    private static ResizeFilter Filter(JsonElement arguments) => Enum.Parse<ResizeFilter>(arguments.GetProperty("interpolation").GetString()!, ignoreCase: true);
}
