namespace Dino.Benchmarks.Peers;

/// <summary>A program that takes part in a row.</summary>
/// <param name="Name">Column of the table.</param>
/// <param name="Program">Executable.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Variables set for it; an empty value removes one.</param>
/// <param name="Work">Operations, bytes or pictures of one repetition: what <see cref="Unit"/> relates the time to.</param>
internal sealed record Contender(string Name, string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, double Work)
{
    /// <summary>Where our column begins.</summary>
    public const string Own = "Dino";

    /// <summary>Every repetition is a process from start to end, instead of one process that repeats its work.</summary>
    public bool Launched { get; init; }
}

/// <summary>What a time is shown as.</summary>
/// <param name="Name">Unit of the table.</param>
/// <param name="Value">From work and seconds.</param>
internal sealed record Unit(string Name, Func<double, double, double> Value)
{
    public static Unit Gflops { get; } = new("GFLOP/s", (work, seconds) => work / seconds / 1e9);

    public static Unit Gigabytes { get; } = new("GB/s", (work, seconds) => work / seconds / 1e9);

    public static Unit MillisecondsPerPicture { get; } = new("ms/picture", (work, seconds) => 1000 * seconds / work);

    public static Unit PicturesPerSecond { get; } = new("pictures/s", (work, seconds) => work / seconds);

    public static Unit Seconds { get; } = new("s", (_, seconds) => seconds);

    public static Unit Milliseconds { get; } = new("ms", (_, seconds) => 1000 * seconds);
}

/// <summary>The same work, done by several contenders in turn.</summary>
/// <param name="Group">Table.</param>
/// <param name="Name">What is done.</param>
/// <param name="Threads">Threads of every contender.</param>
/// <param name="Unit">What times are shown as.</param>
/// <param name="Contenders">Ours first.</param>
/// <param name="Tolerance">Largest difference of a contender's check numbers from ours, relative to 1 plus the number; infinite where results are not comparable.</param>
internal sealed record Row(string Group, string Name, int Threads, Unit Unit, IReadOnlyList<Contender> Contenders, double Tolerance)
{
    /// <summary>Seconds of a turn in place of the run's.</summary>
    public double? Seconds { get; init; }
}
