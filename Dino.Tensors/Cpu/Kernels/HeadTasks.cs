namespace Dino.Tensors.Cpu;

/// <summary>
/// Deals heads of attention out to tasks: runs of whole samples where there are many, so that a task can fetch the next sample while it
/// computes; single heads, cut into pieces of rows on request, where there are few. Rows do not depend on the cut, so it follows the thread count.
/// </summary>
internal readonly struct HeadTasks
{
    private const int TasksPerThread = 8;

    private readonly int _heads, _batch, _samples, _pieces, _pieceRows;

    /// <param name="blockRows">Rows that stay together; 0 where heads may not be cut.</param>
    public HeadTasks(int batch, int heads, int tokens, int threads, int blockRows)
    {
        (_heads, _batch) = (heads, batch);
        _samples = Math.Max(batch / (TasksPerThread * threads), batch >= 4 * threads ? 2 : 1);
        (_pieces, _pieceRows) = (1, tokens);
        if (_samples > 1)
        {
            Count = (batch + _samples - 1) / _samples;
            return;
        }

        int count = batch * heads;
        if (blockRows > 0 && threads > 1)
        {
            int blocks = (tokens + blockRows - 1) / blockRows;
            int pieces = Math.Clamp(2 * threads / count, 1, blocks);
            _pieceRows = (blocks + pieces - 1) / pieces * blockRows;
            _pieces = (tokens + _pieceRows - 1) / _pieceRows;
        }

        Count = checked(count * _pieces);
    }

    /// <summary>Number of tasks.</summary>
    public int Count { get; }

    /// <summary>What a task does.</summary>
    public HeadRun At(int task, int tokens)
    {
        if (_samples > 1)
            return new HeadRun(task * _samples * _heads, Math.Min((task + 1) * _samples, _batch) * _heads, 0, tokens);
        int head = task / _pieces, first = task % _pieces * _pieceRows;
        return new HeadRun(head, head + 1, first, Math.Min(tokens, first + _pieceRows));
    }
}

/// <summary>Heads [FirstHead, EndHead), counted over the batch, and rows [FirstRow, EndRow) of each.</summary>
internal readonly record struct HeadRun(int FirstHead, int EndHead, int FirstRow, int EndRow)
{
    /// <summary>Whether the sample after <paramref name="sample"/> belongs to the same run.</summary>
    public bool LooksAhead(int sample, int heads) => (sample + 1) * heads < EndHead;
}
