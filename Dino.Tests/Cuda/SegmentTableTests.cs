using Dino.Cuda;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>How segments are numbered and cut before a device sees them.</summary>
public sealed class SegmentTableTests
{
    [Fact]
    public void Segments_share_entries_of_the_palette()
    {
        Segment[] segments = [new(0, 10, 0.1f, 0.04f, 3), new(16, 10, 0.1f, 0f, 3), new(32, 10, 0.1f, 0.04f, 3), new(48, 10, 0.1f, 0.04f, 2), new(64, 10, 0.1f, 0f, 3)];
        Assert.Equal([0, 1, 0, 2, 1], Entries(segments));
    }

    [Fact]
    public void A_table_stays_when_all_rates_change()
    {
        Segment[] segments = [new(0, 9000, 0.1f, 0.04f, 3), new(9008, 10, 0.1f, 0f, 3)];
        SegmentTable table = new(segments, Entries(segments), out _);
        Segment[] next = [.. segments.Select(segment => segment with { LearningRate = 0.2f, WeightDecay = segment.WeightDecay * 2, Step = 4 })];
        Assert.True(table.Matches(next, Entries(next)));
    }

    [Fact]
    public void A_table_does_not_serve_other_segments()
    {
        Segment[] segments = [new(0, 9000, 0.1f, 0.04f, 3), new(9008, 10, 0.1f, 0f, 3)];
        SegmentTable table = new(segments, Entries(segments), out _);
        Segment[][] others =
        [
            [segments[0]], [segments[0], segments[1] with { Offset = 9024 }], [segments[0], segments[1] with { Length = 11 }],
            [segments[0], segments[1] with { Norm = 1 }], [segments[0], segments[1] with { WeightDecay = 0.04f }],
        ];
        Assert.All(others, other => Assert.False(table.Matches(other, Entries(other))));
    }

    [Fact]
    public void Chunks_cover_each_segment_once()
    {
        Segment[] segments = [new(5, (2 * SegmentTable.ChunkLength) + 1, 0, 0, 1, Norm: 7), new(9000, 0, 0, 0, 1), new(9001, 3, 0, 0, 2)];
        SegmentTable table = new(segments, Entries(segments), out byte[] content);
        Assert.Equal(4, table.Chunks);
        (long Offset, int Length, int Segment, int Entry, int Norm)[] expected =
        [
            (5, 4096, 0, 0, 7), (4101, 4096, 0, 0, 7), (8197, 1, 0, 0, 7), (9001, 3, 2, 1, 0),
        ];
        using BinaryReader reader = new(new MemoryStream(content));
        foreach (var chunk in expected)
            Assert.Equal(chunk, (reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32()));
        Assert.Equal([0, 3, 3, 4], Enumerable.Range(0, 4).Select(_ => reader.ReadInt32()));
        Assert.Equal(content.Length, reader.BaseStream.Position);
    }

    [Fact]
    public void A_palette_that_overflows_begins_another_run()
    {
        const int count = (2 * SegmentTable.PaletteSize) + 5;
        Segment[] segments = [.. Enumerable.Range(0, count).Select(i => new Segment(8 * i, 5, i, 0, 1))];
        SegmentTable table = new(segments, Entries(segments), out _);
        Assert.Equal(
            [new(0, 32, 0, 32), new(32, 32, 32, 32), new SegmentTable.Run(64, 5, 64, 5)],
            table.Runs.ToArray());
        foreach (SegmentTable.Run run in table.Runs)
            Assert.Equal(Enumerable.Range(run.FirstChunk, run.Chunks), table.ExamplesOf(run).ToArray());
    }

    private static int[] Entries(Segment[] segments)
    {
        int[] entries = new int[segments.Length];
        SegmentTable.AssignEntries(segments, entries);
        return entries;
    }
}
