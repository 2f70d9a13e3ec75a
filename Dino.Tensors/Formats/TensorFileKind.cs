using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>Formats of files with tensors, told apart by their first bytes.</summary>
internal enum TensorFileKind
{
    Unknown,
    Safetensors,
    ShardIndex,
    Zip,
    Pickle,
    Tar,
}

internal static class TensorFileKinds
{
    /// <summary>A tar header with its magic.</summary>
    private const int HeadBytes = 512;

    private const int TarMagicAt = 257;
    private const byte PickleProtocol = 0x80;

    /// <summary>Looks at the beginning of a file; the ending of its name says nothing.</summary>
    public static TensorFileKind Recognize(SafeFileHandle handle, long length)
    {
        byte[] head = new byte[Math.Min(HeadBytes, length)];
        int filled = 0;
        while (filled < head.Length && RandomAccess.Read(handle, head.AsSpan(filled), filled) is var read and > 0)
            filled += read;
        ReadOnlySpan<byte> bytes = head.AsSpan(0, filled);
        // First, because a header length may begin like a pickle or an archive; its eight bytes have zeros among them, which those and JSON have not there.
        if (bytes is [_, _, _, _, _, _, _, _, (byte)'{', ..] && bytes[..8].Contains((byte)0))
            return TensorFileKind.Safetensors;
        if (bytes.StartsWith("PK\x03\x04"u8) || bytes.StartsWith("PK\x05\x06"u8))
            return TensorFileKind.Zip;
        // Protocols 0 and 1 begin at once with the magic number in decimal digits.
        if (bytes is [PickleProtocol, <= 5, ..] || bytes.StartsWith("L1195470371"u8))
            return TensorFileKind.Pickle;
        if (bytes.Length > TarMagicAt + 5 && bytes.Slice(TarMagicAt, 5).SequenceEqual("ustar"u8))
            return TensorFileKind.Tar;
        return Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF', ' ', '\t', '\r', '\n').StartsWith('{') ? TensorFileKind.ShardIndex : TensorFileKind.Unknown;
    }
}
