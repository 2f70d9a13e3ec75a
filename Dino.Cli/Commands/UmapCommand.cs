using System.CommandLine;
using Dino.Ssl.Projection;

namespace Dino.Cli.Commands;

/// <summary><c>dino umap</c>: pictures of a folder in the plane, by UMAP.</summary>
internal static class UmapCommand
{
    public static Command Create()
    {
        ScatterOptions scatter = new();
        UmapOptions defaults = new();
        Option<int> neighbours = Options.Of("--neighbours", "Neighbours of a picture, itself among them; more show more of the whole and less of the details.", defaults.Neighbours);
        Option<double> distance = Options.Of("--min-dist", "How near pictures may come, 0 to 1: small values make dense clusters.", defaults.MinDistance);
        Option<int?> epochs = Options.Optional<int>("--epochs", "Passes over the graph of neighbours (500, or 200 for more than 10000 pictures).");
        Command command = new("umap", "Place the pictures of a folder in the plane by the graph of their nearest neighbours (UMAP).") { neighbours, distance, epochs };
        scatter.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            if (parsed.GetValue(neighbours) < 2)
                throw new ArgumentException($"--neighbours must be at least 2, not {parsed.GetValue(neighbours)}: a picture counts among its own.");
            if (parsed.GetValue(distance) is not (>= 0 and <= 1))
                throw new ArgumentException($"--min-dist must lie in [0, 1], not {parsed.GetValue(distance)}.");
            if (parsed.GetValue(epochs) is < 1)
                throw new ArgumentException($"--epochs must be at least 1, not {parsed.GetValue(epochs)}.");
            UmapOptions options = new() { Neighbours = parsed.GetValue(neighbours), MinDistance = parsed.GetValue(distance), Epochs = parsed.GetValue(epochs) };
            // What nobody asked for gives way to a small folder.
            UmapOptions For(int count) => parsed.GetResult(neighbours) is { Implicit: false } ? options : options with { Neighbours = Math.Min(options.Neighbours, Math.Max(2, count)) };
            return scatter.Run(
                parsed, "UMAP", count => For(count).RequirePoints(count),
                (device, features, seed, threads, progress, token) => Umap.Run(device, features.Values, features.Width, For(features.Count) with { Seed = seed }, threads, progress, token),
                cancellation);
        });
    }
}
