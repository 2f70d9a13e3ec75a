using Dino.Nn;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Networks with packed weights: what they compute, what they weigh, and what they refuse.</summary>
public sealed class PackedWeightsTests
{
    private static readonly VisionTransformerOptions Tiny = new() { ImageSize = 32, PatchSize = 8, Width = 48, Depth = 2, Heads = 3 };

    public static TheoryData<WeightFormat> Formats => new(Enum.GetValues<WeightFormat>());

    public static TheoryData<string> AllDevices => Devices.All;

    [Theory, MemberData(nameof(AllDevices))]
    public void Every_device_computes_the_same_network_with_packed_weights(string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        float[] pixels = Noise(2 * 3 * 32 * 32);
        float[] plain = Tokens(device, pixels, null);
        // F32 differs by the rounding of sums alone. BF16 rounds weights by 2^-9, I8 by a 254th of the largest of a row, inputs by a 510th of their range;
        // tokens have unit variance after the final norm and two blocks add little to them.
        AssertNear(plain, Tokens(device, pixels, WeightFormat.F32), 2e-5f);
        AssertNear(plain, Tokens(device, pixels, WeightFormat.BF16), 0.02f);
        AssertNear(plain, Tokens(device, pixels, WeightFormat.I8), 0.05f);
    }

    [Fact]
    public void Features_of_a_small_ViT_keep_their_direction()
    {
        const int Pictures = 10, Side = 224;
        float[] pixels = new float[Pictures * 3 * Side * Side];
        for (int i = 0; i < Pictures; i++)
        {
            byte[] bytes = DrawnPictures.Draw(i, DrawnPictures.KeyOf(7, test: true, i, 0), Side).Pixels.ToArray();
            for (int p = 0; p < Side * Side; p++)
            {
                for (int c = 0; c < 3; c++)
                    pixels[(((i * 3) + c) * Side * Side) + p] = (bytes[(p * 3) + c] / 255f - 0.45f) / 0.23f;
            }
        }

        float[] plain = Features(null), brain = Features(WeightFormat.BF16), bytesOnly = Features(WeightFormat.I8);
        int width = VisionTransformerOptions.Small.Width;
        for (int i = 0; i < Pictures; i++)
        {
            Assert.InRange(Cosine(plain, brain, i, width), 0.999, 1.0001);
            Assert.InRange(Cosine(plain, bytesOnly, i, width), 0.999, 1.0001);
        }

        // The mean feature of a random network is large; what tells pictures apart is kept too.
        foreach (float[] features in new[] { plain, brain, bytesOnly })
            Centre(features, width);
        for (int i = 0; i < Pictures; i++)
        {
            Assert.InRange(Cosine(plain, brain, i, width), 0.999, 1.0001);
            Assert.InRange(Cosine(plain, bytesOnly, i, width), 0.99, 1.0001);
        }

        float[] Features(WeightFormat? format)
        {
            using LoadedModel model = ModelFile.Untrained(VisionTransformerOptions.Small, CpuDevice.Shared, 3, format);
            using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
            return model.Backbone.Forward(scope.Upload(pixels, [Pictures, 3, Side, Side])).ToArray();
        }
    }

    [Theory]
    [InlineData(WeightFormat.F32, 1.0)]
    [InlineData(WeightFormat.BF16, 0.5)]
    [InlineData(WeightFormat.I8, 0.25)]
    public void Packing_releases_the_plain_values(WeightFormat format, double share)
    {
        using ParameterStore store = Build(out _, withGradients: false);
        long linear = store.Parameters.Where(parameter => parameter.IsLinearWeight).Sum(parameter => parameter.Shape.Count);
        long before = store.Values.Data.Bytes;
        store.PackWeights(format);
        Assert.Equal(format, store.PackedFormat);
        Assert.Equal(before - (linear * sizeof(float)), store.Values.Data.Bytes);
        long packed = store.Parameters.Sum(parameter => parameter.Packed?.Bytes ?? 0);
        // Widths here are multiples of all tiles; I8 adds two floats for each output.
        long extra = format == WeightFormat.I8 ? store.Parameters.Where(parameter => parameter.IsLinearWeight).Sum(parameter => (2 * sizeof(float) * parameter.Shape[0]) + 64) : 0;
        Assert.InRange(packed, (long)(linear * sizeof(float) * share), (long)(linear * sizeof(float) * share) + extra);
        Assert.True(linear * 10 > store.Count * 9, "Linear weights are most of a vision transformer.");
    }

    [Fact]
    public void Values_that_were_released_are_refused_by_name()
    {
        using ParameterStore store = Build(out _, withGradients: false), other = Build(out _, withGradients: false);
        float[] norm = store["blocks.1.norm2.weight"].Tensor.ToArray(), bias = store["blocks.0.attn.qkv.bias"].Tensor.ToArray();
        store.PackWeights(WeightFormat.BF16);
        Assert.Equal(norm, store["blocks.1.norm2.weight"].Tensor.ToArray());
        Assert.Equal(bias, store["blocks.0.attn.qkv.bias"].Tensor.ToArray());
        string message = Assert.Throws<InvalidOperationException>(() => store["blocks.0.attn.qkv.weight"].Tensor).Message;
        Assert.Contains("blocks.0.attn.qkv.weight", message, StringComparison.Ordinal);
        Assert.Contains("released", message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => store["patch_embed.proj.weight"].Tensor);
        Assert.Contains("packed", Assert.Throws<InvalidOperationException>(() => store.CopyFrom(other)).Message, StringComparison.Ordinal);
        Assert.Contains("packed", Assert.Throws<InvalidOperationException>(() => other.CopyFrom(store)).Message, StringComparison.Ordinal);
        Assert.Contains("already", Assert.Throws<InvalidOperationException>(() => store.PackWeights(WeightFormat.F32)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_with_gradients_is_not_packed()
    {
        using ParameterStore store = Build(out _, withGradients: true);
        Assert.Contains("withGradients: false", Assert.Throws<InvalidOperationException>(() => store.PackWeights(WeightFormat.F32)).Message, StringComparison.Ordinal);
        Assert.NotEqual(0, store["blocks.0.attn.qkv.weight"].Tensor.Count);
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_gradient_that_would_be_lost_is_refused(WeightFormat format)
    {
        using ParameterStore store = new();
        Linear layer = new(store.Root / "layer", 6, 4);
        store.Allocate(CpuDevice.Shared, withGradients: false).PackWeights(format);
        using Scope scope = CpuDevice.Shared.OpenScope();
        Tensor input = scope.Upload(new float[12], [2, 6]), learned = scope.Upload(new float[12], [2, 6], requiresGradient: true);
        Tensor residual = scope.Upload(new float[8], [2, 4], requiresGradient: true);
        Assert.Equal(8, layer.Forward(input).Count);
        Assert.Contains("requires one", Assert.Throws<InvalidOperationException>(() => layer.Forward(learned)).Message, StringComparison.Ordinal);
        Assert.Contains("requires one", Assert.Throws<InvalidOperationException>(() => layer.Forward(input, Activation.Identity, residual)).Message, StringComparison.Ordinal);
        Assert.Equal(8, layer.Forward(learned.Detach()).Count);
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_residual_is_added_after_the_activation(WeightFormat format)
    {
        using ParameterStore plainStore = new(), packedStore = new();
        Linear plain = new(plainStore.Root / "layer", 40, 24), packed = new(packedStore.Root / "layer", 40, 24);
        plainStore.Allocate(CpuDevice.Shared, seed: 1, withGradients: false);
        packedStore.Allocate(CpuDevice.Shared, seed: 1, withGradients: false).PackWeights(format);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor x = scope.Upload(Noise(5 * 40), [5, 40]), residual = scope.Upload(Noise(5 * 24), [5, 24]);
        Tensor expected = residual + plain.Forward(x, Activation.Gelu);
        // Weights of deviation 0.02 and inputs below 1: steps of a 254th of 0.06 and a 510th of 2, 40 times.
        float tolerance = format == WeightFormat.F32 ? 1e-6f : 5e-3f;
        AssertNear(expected.ToArray(), plain.Forward(x, Activation.Gelu, residual).ToArray(), 1e-6f);
        AssertNear(expected.ToArray(), packed.Forward(x, Activation.Gelu, residual).ToArray(), tolerance);
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_packed_layer_names_shapes_that_do_not_fit(WeightFormat format)
    {
        using ParameterStore store = new();
        Linear layer = new(store.Root / "layer", 6, 4);
        store.Allocate(CpuDevice.Shared, withGradients: false).PackWeights(format);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor wrong = scope.Zeros([2, 5]), input = scope.Zeros([2, 6]), residual = scope.Zeros([3, 4]);
        Assert.Contains("'layer'", Assert.Throws<ShapeMismatchException>(() => layer.Forward(wrong)).Message, StringComparison.Ordinal);
        Assert.Contains("[3, 4]", Assert.Throws<ShapeMismatchException>(() => layer.Forward(input, Activation.Identity, residual)).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 5]", Assert.Throws<ShapeMismatchException>(() => wrong.Linear(layer.Weight.Packed!)).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 4]", Assert.Throws<ShapeMismatchException>(() => input.Linear(layer.Weight.Packed!, bias: scope.Zeros([2, 4]))).Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_warm_forward_allocates_nothing(WeightFormat format)
    {
        using ParameterStore store = Build(out VisionTransformer network, withGradients: false);
        store.PackWeights(format);
        float[] pixels = Noise(3 * 32 * 32), features = new float[Tiny.Width];
        long before = 0;
        for (int i = 0; i < 50; i++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
            network.Forward(scope.Upload(pixels, [1, 3, 32, 32])).Read(features);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_packed_weight_that_was_disposed_says_so()
    {
        using TensorStore store = new(CpuDevice.Shared, [[4, 6]], withGradients: false);
        PackedWeight weight = new(store[0], WeightFormat.I8);
        weight.Dispose();
        weight.Dispose();
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor x = scope.Zeros([2, 6]);
        Assert.Throws<ObjectDisposedException>(() => x.Linear(weight));
    }

    private static ParameterStore Build(out VisionTransformer network, bool withGradients, Device? device = null)
    {
        ParameterStore store = new();
        network = new VisionTransformer(store.Root, Tiny);
        return store.Allocate(device ?? CpuDevice.Shared, seed: 2, withGradients);
    }

    private static float[] Tokens(Device device, float[] pixels, WeightFormat? format)
    {
        using ParameterStore store = Build(out VisionTransformer network, withGradients: false, device);
        if (format is { } chosen)
            store.PackWeights(chosen);
        using Scope scope = device.OpenScope(GradMode.Off);
        return network.Tokens(scope.Upload(pixels, [2, 3, 32, 32])).All.ToArray();
    }

    private static float[] Noise(int count)
    {
        CounterRandom random = new(new RandomKey(5));
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = (2 * random.NextSingle()) - 1;
        return values;
    }

    private static void AssertNear(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"Element {i} is {actual[i]}, expected {expected[i]} to {tolerance}.");
    }

    private static double Cosine(float[] a, float[] b, int row, int width)
    {
        double ab = 0, aa = 0, bb = 0;
        for (int j = row * width; j < (row + 1) * width; j++)
            (ab, aa, bb) = (ab + ((double)a[j] * b[j]), aa + ((double)a[j] * a[j]), bb + ((double)b[j] * b[j]));
        return ab / Math.Sqrt(aa * bb);
    }

    /// <summary>Takes the mean of all rows off each.</summary>
    private static void Centre(float[] rows, int width)
    {
        int count = rows.Length / width;
        for (int j = 0; j < width; j++)
        {
            double mean = Enumerable.Range(0, count).Average(i => (double)rows[(i * width) + j]);
            for (int i = 0; i < count; i++)
                rows[(i * width) + j] -= (float)mean;
        }
    }
}
