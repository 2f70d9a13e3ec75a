namespace Dino.Benchmarks.Peers;

/// <summary>Measures a row: all its contenders are kept alive and take turns, so that whatever else the machine does hits all of them alike.</summary>
internal sealed class RowRunner(PeerSettings settings)
{
    /// <summary>Thread pools spin for a while after their work; the next contender waits until they sleep.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    public async Task<RowResult> RunAsync(Row row, CancellationToken cancellationToken)
    {
        List<Seat> seats = [.. row.Contenders.Select(contender => new Seat(ContenderProcess.Of(contender)))];
        try
        {
            foreach (Seat seat in seats)
                await seat.TryAsync(() => seat.Process.StartAsync(cancellationToken));
            Compare(row, seats);
            LoadMeter meter = new(ProcessIds(seats));
            for (int round = 0; round < settings.Rounds; round++)
            {
                // Every other round goes backwards: nobody always follows the same neighbour.
                foreach (Seat seat in round % 2 == 0 ? seats : Enumerable.Reverse(seats))
                {
                    if (seat.Status != "ok")
                        continue;
                    await Task.Delay(s_pause, cancellationToken);
                    await seat.TryAsync(async () => seat.Rounds.Add(await seat.Process.RunAsync(row.Seconds ?? settings.Seconds, cancellationToken)));
                }
            }

            double? others = meter.OtherCores(ProcessIds(seats));
            return Result(row, [.. seats.Select(seat => seat.Result(row.Unit))], others);
        }
        finally
        {
            foreach (Seat seat in seats)
                seat.Process.Dispose();
        }
    }

    /// <summary>Whoever computes something else than we do is not measured.</summary>
    private static void Compare(Row row, List<Seat> seats)
    {
        Seat own = seats[0];
        if (own.Status != "ok" || double.IsInfinity(row.Tolerance))
            return;
        foreach (Seat seat in seats.Skip(1).Where(seat => seat.Status == "ok"))
        {
            IReadOnlyList<double> expected = own.Process.Check, found = seat.Process.Check;
            bool agrees = found.Count == expected.Count && found.Zip(expected).All(pair => Math.Abs(pair.First - pair.Second) <= row.Tolerance * (1 + Math.Abs(pair.Second)));
            if (!agrees && seat.Process is ServedContender)
                (seat.Status, seat.Reason) = ("other result", $"{string.Join(", ", found)} where ours is {string.Join(", ", expected)}");
        }
    }

    private static RowResult Result(Row row, ContenderResult[] results, double? others)
    {
        RowResult result = new(row.Group, row.Name, row.Threads, row.Unit.Name, results, null, null, null, others);
        double[] work = [.. row.Contenders.Select(contender => contender.Work)];
        int[] peers = [.. Enumerable.Range(1, results.Length - 1).Where(index => results[index].Counts)];
        if (!results[0].Counts || peers.Length == 0)
            return result;
        double Speed(int index, int round) => work[index] / results[index].RoundSeconds[round];
        int rounds = results[0].RoundSeconds.Count;
        int fastest = peers.MaxBy(index => Summary.Of(Enumerable.Range(0, rounds).Select(round => Speed(index, round))).Median);
        return result with
        {
            Against = results[fastest].Name,
            Ratio = Summary.Of(Enumerable.Range(0, rounds).Select(round => Speed(0, round) / Speed(fastest, round))),
            MemoryRatio = results[0].PeakMemory / results[fastest].PeakMemory,
        };
    }

    private static IEnumerable<int> ProcessIds(List<Seat> seats) => seats.SelectMany(seat => seat.Process.ProcessIds);

    private sealed class Seat(ContenderProcess process)
    {
        public ContenderProcess Process => process;

        public string Status { get; set; } = "ok";

        public string? Reason { get; set; }

        public List<double[]> Rounds { get; } = [];

        public async Task TryAsync(Func<Task> action)
        {
            try
            {
                await action();
            }
            catch (Exception error) when (error is ContenderException or IOException or System.Text.Json.JsonException)
            {
                (Status, Reason) = ((error as ContenderException)?.Status ?? "failed", error.Message);
            }
        }

        public ContenderResult Result(Unit unit)
        {
            double[] seconds = [.. Rounds.SelectMany(round => round)];
            bool counts = Status == "ok" && seconds.Length > 0;
            return new(
                process.Contender.Name,
                Status,
                Reason,
                process.Version,
                counts ? Summary.Of(seconds.Select(value => unit.Value(process.Contender.Work, value))) : null,
                [.. Rounds.Select(round => Summary.Of(round).Median)],
                seconds.Length,
                counts ? process.PeakMemory : null);
        }
    }
}
