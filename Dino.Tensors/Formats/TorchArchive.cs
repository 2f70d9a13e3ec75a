using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>An entry of a zip archive as its directory describes it.</summary>
/// <param name="Name">Path in the archive.</param>
/// <param name="IsDeflated">Deflated, or stored as it is.</param>
/// <param name="Checksum">CRC-32 of the content; 0 where the writer left it out.</param>
/// <param name="StoredLength">Bytes in the file.</param>
/// <param name="Length">Bytes of the content.</param>
/// <param name="Header">Position of the entry's own header.</param>
internal sealed record TorchArchiveEntry(string Name, bool IsDeflated, uint Checksum, long StoredLength, long Length, long Header)
{
    /// <summary>Where the next entry, or the directory, begins: the content ends before it.</summary>
    public long Limit { get; set; }
}

/// <summary>
/// The directory of a zip archive. .NET's own reader does not say where the bytes of an entry are, which is what reading in place needs, and it
/// accepts entries that overlap.
/// </summary>
/// <remarks>APPNOTE 6.3.10: end record, zip64 records, central directory, local headers. One volume, no encryption, methods 0 and 8.</remarks>
internal sealed class TorchArchive
{
    private const int EndBytes = 22, Zip64LocatorBytes = 20, Zip64EndBytes = 56, CentralBytes = 46, LocalBytes = 30;
    private const uint EndMark = 0x06054b50, Zip64LocatorMark = 0x07064b50, Zip64EndMark = 0x06064b50, CentralMark = 0x02014b50, LocalMark = 0x04034b50;
    private const uint Wide = uint.MaxValue;
    private const int Stored = 0, Deflated = 8;
    private const int MaxCommentBytes = ushort.MaxValue;

    private readonly FilePlace _file;
    private readonly SafeFileHandle _handle;
    private readonly long _length;
    private readonly Dictionary<string, TorchArchiveEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>Reads the directory and checks that the entries lie in the file without overlap.</summary>
    /// <exception cref="TorchFileException">They do not, or this is not a zip archive.</exception>
    public TorchArchive(FilePlace file, SafeFileHandle handle, long length)
    {
        (_file, _handle, _length) = (file, handle, length);
        (long start, long bytes, long count) = FindDirectory();
        ReadDirectory(start, bytes, count);
        CheckOverlap(start);
    }

    public IReadOnlyDictionary<string, TorchArchiveEntry> Entries => _entries;

    public FilePlace PlaceOf(TorchArchiveEntry entry) => _file with { Entry = entry.Name };

    /// <summary>The content of an entry, not read yet.</summary>
    public TorchBytes Open(TorchArchiveEntry entry)
    {
        FilePlace place = PlaceOf(entry);
        byte[] header = Read(entry.Header, LocalBytes);
        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(26)), extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(28));
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalMark)
            throw place.Error("the entry's header is missing where the directory says it is", entry.Header);
        if (BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(8)) != (entry.IsDeflated ? Deflated : Stored) || entry.Header + LocalBytes + nameBytes > entry.Limit
            || Encoding.UTF8.GetString(Read(entry.Header + LocalBytes, nameBytes)) != entry.Name)
            throw place.Error("the entry's header contradicts the directory", entry.Header);
        long start = entry.Header + LocalBytes + nameBytes + extraBytes;
        if (start + entry.StoredLength > entry.Limit)
            throw place.Error($"the entry's {entry.StoredLength} bytes reach into what follows at {entry.Limit}", start);
        // torch.serialization.set_crc32_options(False) leaves the field 0.
        uint? checksum = entry.Checksum == 0 ? null : entry.Checksum;
        return entry.IsDeflated
            ? new DeflatedBytes(place, new FileBytes(place, _handle, start, entry.StoredLength, null), entry.StoredLength, entry.Length, checksum)
            : new FileBytes(place, _handle, start, entry.Length, checksum);
    }

    /// <summary>The whole content of a small entry.</summary>
    public byte[] ReadAll(TorchArchiveEntry entry, long limit, string limitName)
    {
        if (entry.Length > limit)
            throw PlaceOf(entry).Error($"the entry has {entry.Length} bytes; the limit is {limit} ({limitName})");
        TorchBytes content = Open(entry);
        byte[] bytes = new byte[entry.Length];
        content.Read(0, bytes);
        return bytes;
    }

    /// <summary>Finds the directory from the end of the file.</summary>
    private (long Start, long Bytes, long Count) FindDirectory()
    {
        int tailBytes = (int)Math.Min(_length, EndBytes + MaxCommentBytes);
        byte[] tail = Read(_length - tailBytes, tailBytes);
        int at = tailBytes - EndBytes;
        while (at >= 0 && (BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(at)) != EndMark || at + EndBytes + BinaryPrimitives.ReadUInt16LittleEndian(tail.AsSpan(at + 20)) != tailBytes))
            at--;
        if (at < 0)
            throw _file.Error("the directory at the end of the zip archive is missing: the file is cut short, or is no zip archive");
        ReadOnlySpan<byte> end = tail.AsSpan(at, EndBytes);
        long position = _length - tailBytes + at;
        long count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]), bytes = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]), start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
        bool isOneVolume = BinaryPrimitives.ReadUInt16LittleEndian(end[4..]) is 0 or ushort.MaxValue;
        if (count == ushort.MaxValue || bytes == Wide || start == Wide)
            (start, bytes, count, position) = ReadZip64End(position);
        if (!isOneVolume || start < 0 || bytes < 0 || count < 0 || start > position || bytes > position - start || count > bytes / CentralBytes)
            throw _file.Error($"the zip directory of {count} entries in {bytes} bytes at {start} does not fit the file", position);
        return (start, bytes, count);
    }

    private (long Start, long Bytes, long Count, long Position) ReadZip64End(long end)
    {
        if (end < Zip64LocatorBytes)
            throw _file.Error("the zip64 directory is missing", end);
        byte[] locator = Read(end - Zip64LocatorBytes, Zip64LocatorBytes);
        long position = BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8));
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Zip64LocatorMark || position < 0 || position > end - Zip64LocatorBytes - Zip64EndBytes)
            throw _file.Error("the zip64 directory is missing", end);
        byte[] record = Read(position, Zip64EndBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != Zip64EndMark)
            throw _file.Error("the zip64 directory is damaged", position);
        return (BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(48)), BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(40)), BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(32)), position);
    }

    private void ReadDirectory(long start, long bytes, long count)
    {
        if (bytes > Array.MaxLength)
            throw _file.Error($"the zip directory of {bytes} bytes exceeds what one array holds", start);
        ReadOnlySpan<byte> directory = Read(start, (int)bytes);
        int at = 0;
        for (long i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> rest = directory[at..];
            if (rest.Length < CentralBytes || BinaryPrimitives.ReadUInt32LittleEndian(rest) != CentralMark)
                throw _file.Error($"entry {i} of the zip directory is damaged", start + at);
            int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[28..]), extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[30..]), commentBytes = BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
            int total = CentralBytes + nameBytes + extraBytes + commentBytes;
            if (total > rest.Length)
                throw _file.Error($"entry {i} of the zip directory is cut short", start + at);
            TorchArchiveEntry entry = ReadEntry(rest[..total], nameBytes, extraBytes, start + at);
            if (!_entries.TryAdd(entry.Name, entry))
                throw _file.Error($"the entry '{entry.Name}' is there twice", start + at);
            at += total;
        }
    }

    private TorchArchiveEntry ReadEntry(ReadOnlySpan<byte> record, int nameBytes, int extraBytes, long position)
    {
        string name = Encoding.UTF8.GetString(record.Slice(CentralBytes, nameBytes));
        FilePlace place = _file with { Entry = name };
        if ((BinaryPrimitives.ReadUInt16LittleEndian(record[8..]) & 1) != 0)
            throw place.Error("the entry is encrypted", position);
        int method = BinaryPrimitives.ReadUInt16LittleEndian(record[10..]);
        if (method is not (Stored or Deflated))
            throw place.Error($"the entry is compressed by method {method}; stored (0) and deflated (8) entries are read", position);
        long stored = BinaryPrimitives.ReadUInt32LittleEndian(record[20..]), length = BinaryPrimitives.ReadUInt32LittleEndian(record[24..]), header = BinaryPrimitives.ReadUInt32LittleEndian(record[42..]);
        if (length == Wide || stored == Wide || header == Wide)
            ReadWide(record.Slice(CentralBytes + nameBytes, extraBytes), ref length, ref stored, ref header);
        if (length < 0 || stored < 0 || header < 0 || (method == Stored && length != stored))
            throw place.Error($"the entry's sizes, {stored} bytes in the file for {length}, are wrong", position);
        return new TorchArchiveEntry(name, method == Deflated, BinaryPrimitives.ReadUInt32LittleEndian(record[16..]), stored, length, header);
    }

    /// <summary>The 64-bit numbers of an entry, each there only where its 32-bit field says so.</summary>
    private static void ReadWide(ReadOnlySpan<byte> extra, ref long length, ref long stored, ref long header)
    {
        while (extra.Length >= 4)
        {
            int kind = BinaryPrimitives.ReadUInt16LittleEndian(extra), bytes = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (bytes > extra.Length - 4)
                return;
            if (kind == 1)
            {
                ReadOnlySpan<byte> numbers = extra.Slice(4, bytes);
                Next(ref numbers, ref length);
                Next(ref numbers, ref stored);
                Next(ref numbers, ref header);
                return;
            }

            extra = extra[(4 + bytes)..];
        }

        static void Next(ref ReadOnlySpan<byte> numbers, ref long field)
        {
            if (field != Wide || numbers.Length < 8)
                return;
            field = BinaryPrimitives.ReadInt64LittleEndian(numbers);
            numbers = numbers[8..];
        }
    }

    /// <summary>Entries that share bytes let a small file pretend to be a large one, and let two readers see two contents.</summary>
    private void CheckOverlap(long directory)
    {
        TorchArchiveEntry? before = null;
        foreach (TorchArchiveEntry entry in _entries.Values.OrderBy(entry => entry.Header).Append(new TorchArchiveEntry("the directory", false, 0, 0, 0, directory)))
        {
            if (before is not null)
            {
                before.Limit = entry.Header;
                // The length of the entry's own header is known to be right only when it is opened.
                if (before.StoredLength > entry.Header - before.Header - LocalBytes)
                    throw PlaceOf(before).Error($"the entry's {before.StoredLength} bytes overlap with '{entry.Name}'", before.Header);
            }

            before = entry;
        }
    }

    private byte[] Read(long position, int count)
    {
        byte[] bytes = new byte[count];
        int filled = 0;
        while (filled < count)
        {
            int read = RandomAccess.Read(_handle, bytes.AsSpan(filled), position + filled);
            if (read == 0)
                throw _file.Error($"{count} bytes are needed and the file ends", position);
            filled += read;
        }

        return bytes;
    }
}
