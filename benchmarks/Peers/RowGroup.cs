using Dino.Benchmarks.Peers.Rows;

namespace Dino.Benchmarks.Peers;

/// <summary>Rows of one table.</summary>
/// <param name="Key">Name on the command line and in the markers of a document.</param>
/// <param name="Title">Heading.</param>
/// <param name="Rows">Makes the rows; work that they share, such as files, is done here.</param>
/// <param name="ShowsMemory">Whether peak memory is a result.</param>
internal sealed record RowGroup(string Key, string Title, Func<PeerSettings, IEnumerable<Row>> Rows, bool ShowsMemory = false)
{
    /// <summary>All tables, in the order in which they are measured.</summary>
    public static IReadOnlyList<RowGroup> All { get; } =
    [
        new(GemmRows.Group, "Matrix products", GemmRows.Of),
        new(ForwardRows.Group, "Forward pass", ForwardRows.Of, ShowsMemory: true),
        new(PrecisionRows.Group, "Precision of weights", PrecisionRows.Of, ShowsMemory: true),
        new(TrainRows.Group, "Training step", TrainRows.Of, ShowsMemory: true),
        new(StartupRows.Group, "Process start to first embedding", StartupRows.Of, ShowsMemory: true),
        new(DataRows.Group, "Data", DataRows.Of),
        new(KnnRows.Group, "k-NN", KnnRows.Of, ShowsMemory: true),
        new(RooflineRows.Group, "Roofline", RooflineRows.Of),
        new(GpuRows.Group, "On a GPU", GpuRows.Of) { IsAskedFor = true },
    ];

    /// <summary>Whether these rows are measured only when they are named.</summary>
    public bool IsAskedFor { get; init; }

    /// <summary>Against the limit of the machine, the ratio is the share that is reached.</summary>
    public bool IsShare => Key == RooflineRows.Group;

    /// <exception cref="ArgumentException">A name that no group has.</exception>
    public static IReadOnlyList<RowGroup> Named(string names)
    {
        string[] keys = names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (string key in keys)
        {
            if (All.All(group => group.Key != key))
                throw new ArgumentException($"There are no rows '{key}'. Use some of {string.Join(",", All.Select(group => group.Key))}.");
        }

        return [.. All.Where(group => keys.Contains(group.Key))];
    }
}
