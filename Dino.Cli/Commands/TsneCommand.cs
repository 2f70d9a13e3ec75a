using System.CommandLine;
using Dino.Ssl.Projection;

namespace Dino.Cli.Commands;

/// <summary><c>dino tsne</c>: pictures of a folder in the plane, by t-SNE.</summary>
internal static class TsneCommand
{
    public static Command Create()
    {
        ScatterOptions scatter = new();
        TsneOptions defaults = new();
        Option<double> perplexity = Options.Of("--perplexity", "About how many neighbours a picture has; at most a third of the pictures, and of few pictures less by default.", defaults.Perplexity);
        Option<int> iterations = Options.Of("--iterations", "Steps of gradient descent.", defaults.Iterations);
        Command command = new("tsne", "Place the pictures of a folder in the plane by their features, similar ones together (t-SNE).") { perplexity, iterations };
        scatter.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            if (parsed.GetValue(perplexity) is not (>= 1 and < double.PositiveInfinity))
                throw new ArgumentException($"--perplexity must be at least 1, not {parsed.GetValue(perplexity)}.");
            if (parsed.GetValue(iterations) < 1)
                throw new ArgumentException($"--iterations must be at least 1, not {parsed.GetValue(iterations)}.");
            TsneOptions options = new() { Perplexity = parsed.GetValue(perplexity), Iterations = parsed.GetValue(iterations) };
            // What nobody asked for gives way to a small folder.
            TsneOptions For(int count) => parsed.GetResult(perplexity) is { Implicit: false } ? options : options with { Perplexity = Math.Min(options.Perplexity, Math.Max(1, (count - 1) / 3)) };
            return scatter.Run(
                parsed, "t-SNE", count => For(count).RequirePoints(count),
                (device, features, seed, threads, progress, token) => Tsne.Run(device, features.Values, features.Width, For(features.Count) with { Seed = seed }, threads, progress, token),
                cancellation);
        });
    }
}
