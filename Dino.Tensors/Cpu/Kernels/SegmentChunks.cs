using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Segments cut into chunks of a fixed length, and chunks gathered into tasks of about that length, so that the many short segments
/// of a network (biases, norms) do not each cost a task. All tables are scratch memory.
/// </summary>
internal unsafe struct SegmentChunks
{
    /// <summary>Elements of a chunk: 64 KiB of each buffer.</summary>
    public const int Length = 16384;

    private int* _segmentOf, _firstChunk, _firstOfTask;

    public Segment* Segments { get; private set; }

    public int SegmentCount { get; private set; }

    public int Chunks { get; private set; }

    public int Tasks { get; private set; }

    public long Elements { get; private set; }

    /// <summary>Integers that <see cref="Build"/> needs.</summary>
    public static int TableLength(ReadOnlySpan<Segment> segments)
    {
        int chunks = 0;
        foreach (ref readonly Segment segment in segments)
            chunks = checked(chunks + ChunksOf(segment));
        return checked((2 * chunks) + segments.Length + 2);
    }

    /// <summary>Cuts the segments, which must stay where they are for as long as the result is used.</summary>
    public static SegmentChunks Build(Segment* segments, int count, int* table)
    {
        SegmentChunks cut = new() { Segments = segments, SegmentCount = count, _firstChunk = table, _segmentOf = table + count + 1 };
        for (int i = 0; i < count; i++)
        {
            cut._firstChunk[i] = cut.Chunks;
            cut.Elements += segments[i].Length;
            for (int k = ChunksOf(segments[i]); k > 0; k--)
                cut._segmentOf[cut.Chunks++] = i;
        }

        cut._firstChunk[count] = cut.Chunks;
        cut._firstOfTask = cut._segmentOf + cut.Chunks;
        long gathered = Length;
        for (int chunk = 0; chunk < cut.Chunks; chunk++)
        {
            if (gathered >= Length)
            {
                cut._firstOfTask[cut.Tasks++] = chunk;
                gathered = 0;
            }

            gathered += cut.At(chunk, out _, out _);
        }

        cut._firstOfTask[cut.Tasks] = cut.Chunks;
        return cut;
    }

    public readonly int First(int task) => _firstOfTask[task];

    public readonly int Last(int task) => _firstOfTask[task + 1];

    /// <summary>Where a chunk begins and to which segment it belongs; returns its length.</summary>
    public readonly int At(int chunk, out int segment, out long offset)
    {
        segment = _segmentOf[chunk];
        long start = (long)(chunk - _firstChunk[segment]) * Length;
        offset = Segments[segment].Offset + start;
        return (int)Math.Min(Length, Segments[segment].Length - start);
    }

    /// <summary>Adds up what the chunks of a segment left behind, in order.</summary>
    public readonly double SumOver(int segment, double* partials, int stride)
    {
        double sum = 0;
        for (int chunk = _firstChunk[segment]; chunk < _firstChunk[segment + 1]; chunk++)
            sum += partials[(long)chunk * stride];
        return sum;
    }

    private static int ChunksOf(in Segment segment) => checked((int)((segment.Length + Length - 1) / Length));
}

/// <summary>What is done to one chunk.</summary>
internal interface IChunkKernel
{
    void Run(in Segment segment, int index, int chunk, long offset, int length);
}

/// <summary>A kernel over all chunks of a task.</summary>
internal struct ChunkJob<TKernel> : IJob where TKernel : struct, IChunkKernel
{
    public SegmentChunks Chunks;
    public TKernel Kernel;

    public readonly unsafe void Run(int task, int worker)
    {
        for (int chunk = Chunks.First(task); chunk < Chunks.Last(task); chunk++)
        {
            int length = Chunks.At(chunk, out int index, out long offset);
            Kernel.Run(Chunks.Segments[index], index, chunk, offset, length);
        }
    }
}
