using System.Text.RegularExpressions;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>PTX with one line of a kernel damaged, as a mistake in its source would.</summary>
internal sealed record PtxMutation(string Kernel, string Description, string Text);

/// <summary>Damages kernels in ways that hardware may not show: barriers that are missing, waits that are too short, operands that are swapped.</summary>
internal static partial class PtxMutations
{
    /// <summary>Products and loads of matrices to damage in a kernel that has many: those at the beginning, in the middle and at the end.</summary>
    private const int Samples = 3;

    /// <summary>The kernels of a module in which threads wait for each other.</summary>
    public static IEnumerable<string> KernelsWithBarriers(string text)
    {
        string kernel = "";
        HashSet<string> found = [];
        foreach (string line in text.Split('\n'))
        {
            if (Entry().Match(line) is { Success: true } entry)
                kernel = entry.Groups[1].Value;
            else if (Barrier().IsMatch(line))
                found.Add(kernel);
        }

        return found;
    }

    /// <summary>Every damaged version of a kernel.</summary>
    public static IEnumerable<PtxMutation> Of(string text, string kernel)
    {
        string[] lines = text.Split('\n');
        int first = Array.FindIndex(lines, line => line.Contains($".entry {kernel}(", StringComparison.Ordinal));
        int last = Array.FindIndex(lines, first + 1, line => line.Contains(".entry ", StringComparison.Ordinal));
        int[] body = [.. Enumerable.Range(first, (last < 0 ? lines.Length : last) - first)];
        foreach (int line in body)
        {
            if (Barrier().IsMatch(lines[line]))
                yield return Changed(line, "");
            else if (Wait().Match(lines[line]) is { Success: true } wait)
                yield return Changed(line, $"cp.async.wait_group {int.Parse(wait.Groups[1].ValueSpan, null) + 1};");
        }

        foreach (int line in Sample(body.Where(line => lines[line].Contains("mma.sync", StringComparison.Ordinal)).ToArray()))
        {
            // Vectors are D, A, B and C; the elements of C may all be zero.
            MatchCollection vectors = Vector().Matches(lines[line]);
            yield return Changed(line, Reversed(lines[line], vectors[1]));
            if (vectors[2].Value.Contains(',', StringComparison.Ordinal))
                yield return Changed(line, Reversed(lines[line], vectors[2]));
            yield return Changed(line, Reversed(lines[line], vectors[0]));
        }

        foreach (int line in Sample(body.Where(line => lines[line].Contains("ldmatrix.sync", StringComparison.Ordinal)).ToArray()))
        {
            bool isTransposed = lines[line].Contains(".trans", StringComparison.Ordinal);
            yield return Changed(line, isTransposed ? lines[line].Replace(".trans", "", StringComparison.Ordinal) : lines[line].Replace(".shared", ".trans.shared", StringComparison.Ordinal));
        }

        PtxMutation Changed(int line, string replacement)
        {
            string[] changed = [.. lines];
            changed[line] = replacement;
            return new(kernel, $"{kernel}, line {line - first}: '{lines[line].Trim()}' became '{replacement.Trim()}'", string.Join('\n', changed));
        }
    }

    private static IEnumerable<int> Sample(int[] lines) => lines.Length <= Samples ? lines : Enumerable.Range(0, Samples).Select(n => lines[n * (lines.Length - 1) / (Samples - 1)]);

    private static string Reversed(string line, Match vector)
    {
        string[] elements = vector.Groups[1].Value.Split(',');
        Array.Reverse(elements);
        return $"{line[..vector.Index]}{{{string.Join(',', elements)}}}{line[(vector.Index + vector.Length)..]}";
    }

    [GeneratedRegex(@"\.entry (\w+)\(")]
    private static partial Regex Entry();

    [GeneratedRegex(@"^\s*bar\.sync\s")]
    private static partial Regex Barrier();

    [GeneratedRegex(@"^\s*cp\.async\.wait_group\s+(\d+)")]
    private static partial Regex Wait();

    [GeneratedRegex(@"\{([^}]*)\}")]
    private static partial Regex Vector();
}
