namespace Dino.Benchmarks.Peers.Rows;

/// <summary>From JPEG bytes to normalised views, on one core.</summary>
internal static class DataRows
{
    public const string Group = "data";

    public static IEnumerable<Row> Of(PeerSettings settings)
    {
        ContenderFactory contenders = new(settings);
        string[] files = Directory.Exists(settings.Pictures) ? [.. Directory.GetFiles(settings.Pictures, "*.jpg").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
        {
            Console.Error.WriteLine($"data: left out, there is no JPEG file in {settings.Pictures}; run setup.sh.");
            yield break;
        }

        int count = files.Length;
        Contender Own(string job) => ContenderFactory.Own(count, "pictures", job, settings.Pictures);
        // Means of 0..255 that agree to the byte up to rounding in the colour conversion.
        yield return new Row(Group, "JPEG decoding, 500x375", 1, Unit.PicturesPerSecond, [
            Own("decode"), contenders.Script("Pillow", "pictures.py", 1, count, "decode", settings.Pictures), contenders.Native("libjpeg-turbo", "peer-jpeg", 1, count, [.. files])], 1e-3);
        Contender Torchvision(string job) => contenders.Torch("torchvision and Pillow", "pictures.py", 1, count, job, settings.Pictures);
        yield return new Row(Group, "resize to 256, crop 224, normalise (decoded before)", 1, Unit.PicturesPerSecond, [Own("evaluate"), Torchvision("evaluate")], 1e-4);
        yield return new Row(Group, "JPEG bytes to 2 x 224 + 8 x 96 augmented views", 1, Unit.PicturesPerSecond, [Own("augment"), Torchvision("augment")], 0);
    }
}
