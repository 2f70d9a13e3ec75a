using System.Collections.Concurrent;
using System.Text;

namespace Dino.Tests.Golden;

/// <summary>Counts the golden cases that ran and writes the table beside the tests when the process ends, with what no device has seen yet: nothing is skipped in silence.</summary>
public static class FixtureCoverage
{
    private static readonly ConcurrentDictionary<string, byte> Seen = new(StringComparer.Ordinal);

    static FixtureCoverage() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Write();

    public static void Ran(string id) => Seen.TryAdd(id, 0);

    private static void Write()
    {
        StringBuilder text = new("fixture cases run per group\n");
        foreach (string group in FixtureStore.Groups.Keys.Order(StringComparer.Ordinal))
        {
            string[] all = [.. FixtureStore.Names(group)];
            string[] missing = [.. all.Where(name => !Seen.ContainsKey($"{group}/{name}"))];
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"  {group,-20} {all.Length - missing.Length,4} of {all.Length,4}");
            text.Append(missing.Length == 0 ? "\n" : $"   not covered: {string.Join(" ", missing)}\n");
        }

        text.Append(Cuda.KernelValidation.Summary());
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "fixture-coverage.txt"), text.ToString());
    }
}
