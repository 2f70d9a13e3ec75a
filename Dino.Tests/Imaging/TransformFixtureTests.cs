using System.Text.Json;
using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;

namespace Dino.Tests.Imaging;

/// <summary>Every case of the transform fixtures against Pillow and torchvision. Nothing may differ, by a bit.</summary>
public sealed class TransformFixtureTests
{
    // Bit-equal: a byte that differs by 1 means another rounding rule, which a training run would inherit in every view.
    private const int ByteTolerance = 0;

    public static TheoryData<string, string> Cases => Rows("cases", element => element.GetProperty("key").GetString()!);

    public static TheoryData<string, string> Boxes => Rows("random_resized_crop_boxes", _ => null);

    [FixtureTheory]
    [MemberData(nameof(Cases))]
    public void Transform_equals_the_reference(string id, string key)
    {
        using FixtureCase fixture = FixtureStore.Open(id);
        JsonElement[] cases = [.. fixture.Config.GetProperty("cases").EnumerateArray()];
        int index = Array.FindIndex(cases, element => element.GetProperty("key").GetString() == key);
        JsonElement arguments = cases[index];
        PlanarImage image = TransformCase.Read(fixture, arguments.GetProperty("input").GetString()!);
        // A tensor case may continue the view of the case before it.
        JsonElement view = arguments.TryGetProperty("same_as_previous", out _) ? cases[index - 1] : arguments;
        TransformCase.Run(image, view);
        int[] shape = fixture.Shape(key);
        if (fixture.Data.Entries[key].Type == "U8")
            AssertBytes(fixture, key, shape, image);
        else
            AssertFloats(fixture, key, shape, TransformCase.ToFloats(image, arguments));
    }

    [FixtureTheory]
    [MemberData(nameof(Boxes))]
    public void Random_resized_crop_finds_the_reference_box_from_its_draws(string id, string row)
    {
        using FixtureCase fixture = FixtureStore.Open(id);
        JsonElement recorded = fixture.Config.GetProperty("random_resized_crop_boxes")[int.Parse(row, System.Globalization.CultureInfo.InvariantCulture)];
        RecordedDraws draws = new(
            [.. recorded.GetProperty("uniform_draws_area_then_logratio").EnumerateArray().Select(value => value.GetDouble())],
            [.. recorded.GetProperty("randint_draws_lo_hi_value").EnumerateArray().Select(value => (value[1].GetInt32(), value[2].GetInt32()))]);
        PixelBox box = CropSampler.Draw(ref draws, recorded.GetProperty("width").GetInt32(), recorded.GetProperty("height").GetInt32(), Pair("scale"), Pair("ratio"));
        int[] expected = TransformCase.Integers(recorded.GetProperty("box_top_left_h_w"));
        Assert.Equal(new PixelBox(expected[1], expected[0], expected[3], expected[2]), box);
        Assert.Equal(recorded.GetProperty("attempts").GetInt32(), draws.Attempts);

        (double, double) Pair(string name) => (recorded.GetProperty(name)[0].GetDouble(), recorded.GetProperty(name)[1].GetDouble());
    }

    [Fact]
    public void Unknown_operation_fails()
    {
        using JsonDocument unknown = JsonDocument.Parse("""{"op":"sepia"}""");
        Assert.Throws<NotSupportedException>(() => TransformCase.Run(new PlanarImage(new Image(1, 1)), unknown.RootElement));
    }

    private static void AssertBytes(FixtureCase fixture, string key, int[] shape, PlanarImage image)
    {
        byte[] expected = new byte[fixture.Data.Entries[key].Length];
        fixture.Data.Read(fixture.Data.Entries[key], expected);
        Assert.Equal((shape[1], shape[0]), (image.Width, image.Height));
        byte[] actual = shape.Length == 3 ? image.ToImage().Pixels : image.Plane(0).ToArray();
        int worst = 0, differing = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int difference = Math.Abs(expected[i] - actual[i]);
            worst = Math.Max(worst, difference);
            differing += difference > 0 ? 1 : 0;
        }

        Assert.True(worst <= ByteTolerance, $"{key}: {differing} of {expected.Length} bytes differ, by up to {worst}.");
    }

    private static void AssertFloats(FixtureCase fixture, string key, int[] shape, float[] actual)
    {
        Assert.Equal(shape.Aggregate((a, b) => a * b), actual.Length);
        // Division, subtraction and division, each rounded to F32, leave no freedom either.
        fixture.AssertClose(key, actual, fixture.Doubles(key), 0);
    }

    private static TheoryData<string, string> Rows(string list, Func<JsonElement, string?> name)
    {
        TheoryData<string, string> data = [];
        foreach (string group in FixtureStore.Groups.Keys.Where(group => group.StartsWith("f_transforms", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            foreach (string file in FixtureStore.Names(group))
            {
                using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(FixtureStore.PathOf(group, file)));
                int row = 0;
                foreach (JsonElement element in json.RootElement.GetProperty("config").GetProperty(list).EnumerateArray())
                {
                    data.Add($"{group}/{file}", name(element) ?? row.ToString(System.Globalization.CultureInfo.InvariantCulture));
                    row++;
                }
            }
        }

        return data;
    }

    private struct RecordedDraws(double[] uniforms, (int End, int Value)[] integers) : CropSampler.ICropDraws
    {
        private int _uniform;
        private int _integer;

        public readonly int Attempts => _uniform / 2;

        public double Uniform(double low, double high)
        {
            double value = uniforms[_uniform++];
            Assert.InRange(value, low - 1e-6, high + 1e-6);
            return value;
        }

        public int Integer(int end)
        {
            (int expectedEnd, int value) = integers[_integer++];
            Assert.Equal(expectedEnd, end);
            return value;
        }
    }
}
