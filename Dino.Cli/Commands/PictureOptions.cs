using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;

namespace Dino.Cli.Commands;

/// <summary>What a network sees of pictures, and how many at a time.</summary>
/// <param name="hasBatch">Whether how many at a time is among these options, not among others of the command.</param>
internal sealed class PictureOptions(bool hasBatch = true)
{
    private readonly Option<int?> _resize = Options.Optional<int>("--resize", "Short side before the crop (in the proportion to it that the model was made for, 256 / 224 for DINO).");
    private readonly Option<int?> _crop = Options.Optional<int>("--crop", "Side of the square the network sees (what the model was made for).");
    private readonly Option<int> _batch = Options.Of("--batch-size", "Pictures at a time.", 32);

    public void AddTo(Command command)
    {
        command.Add(_resize);
        command.Add(_crop);
        if (hasBatch)
            command.Add(_batch);
    }

    /// <summary>Pictures at a time.</summary>
    public int Batch(ParseResult parsed) => parsed.GetValue(_batch) is var batch and > 0 ? batch : throw new ArgumentException($"--batch-size must be at least 1, not {parsed.GetValue(_batch)}.");

    /// <summary>The side of the square as it was given; null if it was not.</summary>
    public int? Crop(ParseResult parsed) => parsed.GetValue(_crop) is { } side ? Options.RequireSide(side, "--crop") : null;

    /// <summary>What a model expects, with the sizes that were given, and a word if some of the square would not be seen.</summary>
    public Preprocessing Resolve(ParseResult parsed, LoadedModel model)
    {
        Preprocessing seen = Resolve(parsed, model.Preprocessing);
        // A ResNet sees all of a picture, whatever its size.
        if (Crop(parsed) is { } side && model.Backbone is VisionTransformer transformer)
            Options.RequireWholePatches(side, "--crop", transformer.Options.PatchSize, isGiven: true);
        return seen;
    }

    /// <summary>What is expected, with the sizes that were given.</summary>
    public Preprocessing Resolve(ParseResult parsed, Preprocessing expected)
    {
        int? resize = parsed.GetValue(_resize) is { } side ? Options.RequireSide(side, "--resize") : null;
        Preprocessing seen = expected.At(Crop(parsed), resize);
        return seen.ResizeTo >= seen.Size ? seen : throw new ArgumentException($"--resize {seen.ResizeTo} is less than the crop of {seen.Size}. Raise it, or lower --crop.");
    }
}
