namespace Dino.Tensors.Formats;

/// <summary>Recognises, by their first bytes, the files that are most often given in place of safetensors files, so that an error can name them.</summary>
internal static class ForeignFile
{
    /// <summary>As many first bytes as are looked at.</summary>
    public const int StartLength = 24;

    private const string Conversion = "TensorFile.Open reads it, and dino convert makes a safetensors file of it.";

    /// <summary>What the file is and what to do about it, as the end of a sentence, or null for one that is not recognised.</summary>
    public static string? Describe(ReadOnlySpan<byte> start)
    {
        // The JSON of a header stands behind its length. Without this look a length could be taken for a signature.
        if (start.Length > 8 && start[8] == '{')
            return null;
        return start.StartsWith("PK\x03\x04"u8) ? $"a zip archive, which is what PyTorch saves (.pth, .pt). {Conversion}"
            : start is [0x80, >= 2 and <= 5, ..] ? $"a Python pickle, which is what older PyTorch saves (.pth, .pt). {Conversion}"
            : start is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] ? "a NumPy array (.npy)."
            : start.StartsWith("version https://git-lfs"u8) ? "a Git LFS pointer: the file itself was not downloaded. 'git lfs pull' does that."
            : start.StartsWith("<!DOCTYPE"u8) || start.StartsWith("<!doctype"u8) || start.StartsWith("<html"u8) ? "a web page, which a download gave in place of the file."
            : null;
    }
}
