using System.Globalization;
using Dino.Imaging.Png;
using Dino.Nn;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Benchmarks.Peers.Rows;

/// <summary>From the start of a process to its end, after one embedding of one picture; weights are read from a file.</summary>
internal static class StartupRows
{
    public const string Group = "startup";
    private const string Architecture = "vit_small";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        string weights = settings.Weights(Architecture) ?? Path.Combine(settings.WorkDirectory, "weights.safetensors");
        string image = Path.Combine(settings.WorkDirectory, "picture.png"), output = Path.Combine(settings.WorkDirectory, "embedding.npy");
        Prepare(weights, image);
        foreach (int threads in settings.Threads)
        {
            Contender own = ContenderFactory.Own(1, "first-embedding", Architecture, weights, threads);
            if (settings.StartupProgram is { } program)
            {
                string Fill(string word) => word.Replace("{weights}", weights, StringComparison.Ordinal).Replace("{image}", image, StringComparison.Ordinal)
                    .Replace("{output}", output, StringComparison.Ordinal).Replace("{threads}", threads.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
                own = own with { Program = program, Arguments = [.. settings.StartupArguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Fill)] };
            }

            Contender[] all =
            [
                own,
                contenders.Node("ONNX Runtime for Node", "startup_onnx.js", threads, 1, Architecture, threads),
                contenders.Script("ONNX Runtime for Python", "startup_onnx.py", threads, 1, Architecture, threads),
                contenders.Torch("torch", "startup_torch.py", threads, 1, Architecture, threads),
            ];
            yield return new Row(Group, "ViT-S/16, one picture", threads, Unit.Milliseconds, [.. all.Select(contender => contender with { Launched = true })], double.PositiveInfinity);
        }
    }

    private static void Prepare(string weights, string image)
    {
        PngEncoder.Save(DrawnPictures.Draw(3, new RandomKey(1), 224), image);
        if (File.Exists(weights))
            return;
        using LoadedModel model = ModelFile.Untrained(VisionTransformerOptions.ByName(Architecture), CpuDevice.Shared);
        SafetensorsWriter writer = new();
        foreach (Parameter parameter in model.Backbone.Store.All)
            writer.Add(parameter.Name, parameter.Tensor);
        writer.Save(weights);
    }
}
