using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>
/// Segments as kernels see them: cut into chunks, the work of one block each, in a table in device memory. What changes at every step (rates, decays,
/// corrections) is not in the table but among the arguments of the kernels, as a palette of few entries, because nearly all segments share them; the
/// table names the entry of each segment. So it stays as it is for as long as the same segments share the same entries.
/// </summary>
/// <remarks>Palettes that overflow make several launches: <see cref="Runs"/> of segments, each with a palette of its own.</remarks>
internal sealed unsafe class SegmentTable
{
    /// <summary>Threads of a block that works on a chunk, <c>ChunkThreads</c> of <c>segments.cuh</c>.</summary>
    public const int ChunkThreads = 256;

    /// <summary>Elements of a chunk: four times four for each thread.</summary>
    public const int ChunkLength = 16 * ChunkThreads;

    /// <summary>Entries of a palette, <c>PaletteSize</c> of <c>segments.cuh</c>. An entry has up to 20 bytes, the arguments of a kernel at most 4096.</summary>
    public const int PaletteSize = 32;

    private readonly (long Offset, long Length, int Norm, int Entry)[] _segments;
    private readonly int[] _examples;
    private readonly Run[] _runs;

    /// <summary>Cuts segments.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="entries">The entry of each, as <see cref="AssignEntries"/> left them.</param>
    /// <param name="content">What the device is to have at <see cref="Address"/>: all chunks; for each segment its first chunk; <see cref="Chunks"/>.</param>
    public SegmentTable(ReadOnlySpan<Segment> segments, ReadOnlySpan<int> entries, out byte[] content)
    {
        _segments = new (long, long, int, int)[segments.Length];
        List<int> examples = [], firstChunks = [];
        List<Run> runs = [];
        List<Chunk> chunks = [];
        for (int i = 0; i < segments.Length; i++)
        {
            Segment segment = segments[i];
            _segments[i] = (segment.Offset, segment.Length, segment.Norm, entries[i]);
            if (entries[i] == examples.Count)
                examples.Add(i);
            if (entries[i] / PaletteSize == runs.Count)
                runs.Add(new Run(chunks.Count, 0, entries[i], 0));
            firstChunks.Add(chunks.Count);
            for (long start = 0; start < segment.Length; start += ChunkLength)
                chunks.Add(new Chunk(segment.Offset + start, (int)Math.Min(ChunkLength, segment.Length - start), i, entries[i] % PaletteSize, segment.Norm));
            runs[^1] = runs[^1] with { Chunks = chunks.Count - runs[^1].FirstChunk, Entries = examples.Count - runs[^1].FirstEntry };
        }

        firstChunks.Add(chunks.Count);
        (_examples, _runs, Chunks) = ([.. examples], [.. runs], chunks.Count);
        content = [.. MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(chunks)), .. MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(firstChunks))];
    }

    /// <summary>Where the device has the table.</summary>
    public nint Address { get; set; }

    /// <summary>Where the device has the first chunk of each segment.</summary>
    public nint FirstChunks => Address + ((nint)Chunks * sizeof(Chunk));

    /// <summary>Number of segments.</summary>
    public int Segments => _segments.Length;

    /// <summary>Chunks of all segments.</summary>
    public int Chunks { get; }

    /// <summary>Launches that it takes to pass all constants.</summary>
    public ReadOnlySpan<Run> Runs => _runs;

    /// <summary>Segments that follow each other and whose constants fit a palette.</summary>
    /// <param name="FirstChunk">Their first chunk.</param>
    /// <param name="Chunks">Number of chunks.</param>
    /// <param name="FirstEntry">Number of the first entry of the palette, counted through all runs.</param>
    /// <param name="Entries">Number of entries.</param>
    public readonly record struct Run(int FirstChunk, int Chunks, int FirstEntry, int Entries);

    /// <summary>The twin of <c>Chunk</c> in <c>segments.cuh</c>.</summary>
    private readonly record struct Chunk(long Offset, int Length, int Segment, int Entry, int Norm);

    /// <summary>Numbers the different constants among segments, in order of appearance; each run of <see cref="PaletteSize"/> numbers is a palette.</summary>
    public static void AssignEntries(ReadOnlySpan<Segment> segments, Span<int> entries)
    {
        Span<int> examples = stackalloc int[PaletteSize];
        int first = 0, count = 0;
        for (int i = 0; i < segments.Length; i++)
        {
            int entry = 0;
            while (entry < count && !SharesConstants(segments[i], segments[examples[entry]]))
                entry++;
            if (entry == count)
            {
                if (count == PaletteSize)
                    (first, count, entry) = (first + PaletteSize, 0, 0);
                examples[count++] = i;
            }

            entries[i] = first + entry;
        }
    }

    /// <summary>Whether this is the table of these segments with these entries.</summary>
    public bool Matches(ReadOnlySpan<Segment> segments, ReadOnlySpan<int> entries)
    {
        if (segments.Length != _segments.Length)
            return false;
        for (int i = 0; i < segments.Length; i++)
        {
            ref readonly Segment segment = ref segments[i];
            if (_segments[i] != (segment.Offset, segment.Length, segment.Norm, entries[i]))
                return false;
        }

        return true;
    }

    /// <summary>Where the device has the chunks of a run.</summary>
    public nint ChunksOf(in Run run) => Address + ((nint)run.FirstChunk * sizeof(Chunk));

    /// <summary>The segments whose constants are the palette of a run, as positions.</summary>
    public ReadOnlySpan<int> ExamplesOf(in Run run) => _examples.AsSpan(run.FirstEntry, run.Entries);

    private static bool SharesConstants(in Segment a, in Segment b) =>
        a.LearningRate == b.LearningRate && a.WeightDecay == b.WeightDecay && a.Step == b.Step && a.Adapt == b.Adapt;
}
