using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tensors.Backends;
using Segment = Dino.Tensors.Backends.Segment;

namespace Dino.Cuda;

/// <summary>The segment tables in device memory, most recently used first. A step that is like the last one finds its table and uploads nothing.</summary>
internal sealed class SegmentTables(CudaContext context, WorkQueue queue) : IDisposable
{
    /// <summary>Tables kept: a few for each network that is being trained. One has 24 bytes for each 4096 elements.</summary>
    private const int Capacity = 8;

    private readonly List<SegmentTable> _tables = new(Capacity);
    private readonly Lock _lock = new();
    private int[] _entries = [];

    /// <summary>Tables in device memory.</summary>
    public int Count => _tables.Count;

    /// <summary>The table of segments, uploaded if it is new. It stays valid until <see cref="Capacity"/> others have been asked for.</summary>
    public SegmentTable Find(ReadOnlySpan<Segment> segments)
    {
        lock (_lock)
        {
            if (_entries.Length < segments.Length)
                _entries = new int[segments.Length];
            Span<int> entries = _entries.AsSpan(0, segments.Length);
            SegmentTable.AssignEntries(segments, entries);
            for (int i = 0; i < _tables.Count; i++)
            {
                SegmentTable table = _tables[i];
                if (!table.Matches(segments, entries))
                    continue;
                _tables.RemoveAt(i);
                _tables.Insert(0, table);
                return table;
            }

            SegmentTable added = new(segments, entries, out byte[] content);
            Add(added, content);
            return added;
        }
    }

    /// <summary>Frees the tables.</summary>
    public void Dispose()
    {
        foreach (SegmentTable table in _tables)
            queue.Free(table.Address);
        _tables.Clear();
    }

    private void Add(SegmentTable table, byte[] content)
    {
        if (_tables.Count == Capacity)
        {
            queue.Free(_tables[^1].Address);
            _tables.RemoveAt(_tables.Count - 1);
        }

        table.Address = context.Allocate(content.Length);
        queue.Upload(content, table.Address);
        _tables.Insert(0, table);
    }
}
