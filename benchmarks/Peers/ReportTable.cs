using System.Globalization;
using System.Text;

namespace Dino.Benchmarks.Peers;

/// <summary>Results as Markdown tables, and their place in a document.</summary>
internal static class ReportTable
{
    /// <summary>The table of a group with a line on where and with what it was measured.</summary>
    public static string Of(RowGroup group, IReadOnlyList<RowResult> rows, Machine machine)
    {
        string[] names = [.. rows.SelectMany(row => row.Contenders).Select(contender => contender.Name).Distinct()];
        List<string> head = ["work", "threads", "unit", .. names.Select(name => name == Contender.Own ? $"**{name}**" : name), group.IsShare ? "share of the limit" : "times as fast as the fastest peer"];
        if (group.ShowsMemory)
            head.Add("peak memory, ours / that peer's (MiB)");
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", head)} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|---|{string.Concat(Enumerable.Repeat("---:|", head.Count - 1))}");
        foreach (RowResult row in rows)
        {
            List<string> cells = [row.Name + (row.Disturbed ? " †" : ""), row.Threads.ToString(CultureInfo.InvariantCulture), row.Unit, .. names.Select(name => Cell(row, name)), Ratio(row, group.IsShare)];
            if (group.ShowsMemory)
                cells.Add(Memory(row));
            text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", cells)} |");
        }

        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Median (smallest–largest). {string.Join("; ", [machine.ToString(), .. Versions(rows)])}.");
        if (rows.Any(row => row.Disturbed))
            text.AppendLine(CultureInfo.InvariantCulture, $"† Other processes used more than {LoadMeter.Disturbing} cores meanwhile: measure again.");
        return text.ToString();
    }

    /// <summary>Puts a table between the markers of its group.</summary>
    /// <exception cref="InvalidDataException">The document lacks the markers.</exception>
    public static string Insert(string document, string key, string table) => InsertAt(document, $"peers:{key}", table);

    /// <summary>Puts a table between two markers.</summary>
    /// <inheritdoc cref="Insert"/>
    public static string InsertAt(string document, string marker, string table)
    {
        string begin = $"<!-- {marker}:begin -->", end = $"<!-- {marker}:end -->";
        int from = document.IndexOf(begin, StringComparison.Ordinal), to = document.IndexOf(end, StringComparison.Ordinal);
        return from >= 0 && to > from
            ? $"{document[..(from + begin.Length)]}\n{table}{document[to..]}"
            : throw new InvalidDataException($"The document has no place for the table: it needs the lines {begin} and {end}.");
    }

    private static string Cell(RowResult row, string name)
    {
        ContenderResult? result = row.Contenders.FirstOrDefault(contender => contender.Name == name);
        return result is null ? "" : result.Value is { } value ? $"{Number(value.Median)} ({Number(value.Min)}–{Number(value.Max)})" : result.Status;
    }

    private static string Ratio(RowResult row, bool share)
    {
        if (row.Ratio is not { } ratio)
            return "";
        return share
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * ratio.Median:F0} % ({100 * ratio.Min:F0}–{100 * ratio.Max:F0})")
            : string.Create(CultureInfo.InvariantCulture, $"**{ratio.Median:F2}** ({ratio.Min:F2}–{ratio.Max:F2})");
    }

    private static string Memory(RowResult row)
    {
        double? own = row.Contenders[0].PeakMemory, peer = row.Contenders.FirstOrDefault(contender => contender.Name == row.Against)?.PeakMemory;
        string ours = own is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{own:F0}");
        return row.MemoryRatio is null ? ours : string.Create(CultureInfo.InvariantCulture, $"{ours} / {peer:F0} = {row.MemoryRatio:F2}");
    }

    /// <summary>What the peers say they are; ours is part of the machine's line.</summary>
    private static IEnumerable<string> Versions(IReadOnlyList<RowResult> rows) =>
        rows.SelectMany(row => row.Contenders).Where(contender => contender.Counts && contender.Version.Length > 0).Select(contender => contender.Version)
            .Except(rows.Select(row => row.Contenders[0].Version));

    /// <summary>Three digits, as many as a noisy machine deserves.</summary>
    private static string Number(double value) => value switch
    {
        >= 100 => value.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("F2", CultureInfo.InvariantCulture),
    };
}
