using System.Text.Json;
using Dino.Nn;

namespace Dino.Tests.Nn;

/// <summary>Schedules against the official ones, value by value.</summary>
public class ScheduleFixtureTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string name in FixtureStore.Names("e_schedules"))
            {
                using FixtureCase golden = new(FixtureStore.PathOf("e_schedules", name));
                foreach (JsonElement row in golden.Config.GetProperty("cases").EnumerateArray())
                    data.Add($"e_schedules/{name}", row.GetProperty("key").GetString()!);
            }

            return data;
        }
    }

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Values_agree(string id, string key)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement row = golden.Config.GetProperty("cases").EnumerateArray().First(item => item.GetProperty("key").GetString() == key);
        double[] expected = golden.Doubles(key);
        Schedule schedule = Build(row, expected.Length, out double tolerance);
        if (row.TryGetProperty("length", out JsonElement length))
            Assert.Equal(length.GetInt32(), schedule.Length);
        double[] index = row.TryGetProperty("index_key", out JsonElement indexKey)
            ? golden.Doubles(indexKey.GetString()!)
            : [.. Enumerable.Range(0, expected.Length).Select(i => (double)i)];
        for (int i = 0; i < expected.Length; i++)
        {
            double actual = schedule[(long)index[i]];
            Assert.True(Math.Abs(actual - expected[i]) <= tolerance * Math.Abs(expected[i]), $"{key}[{index[i]}] = {actual:r}, expected {expected[i]:r}.");
        }

        if (row.TryGetProperty("sum", out JsonElement sum))
        {
            double total = 0;
            foreach (double value in schedule.Values)
                total += value;
            // Sums of 10^5 terms in another order: 1e-10 relative.
            Assert.Equal(sum.GetDouble(), total, Math.Abs(sum.GetDouble()) * 1e-10);
        }
    }

    private static Schedule Build(JsonElement row, int count, out double tolerance)
    {
        // 1e-12: closed forms in double; the fixture file grants 1e-9 where torch computes recursively.
        tolerance = 1e-12;
        string kind = row.GetProperty("kind").GetString()!;
        double Number(string name, double otherwise = 0) => row.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;
        int Integer(string name, int otherwise = 0) => row.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : otherwise;
        if (kind.StartsWith("cosine_scheduler", StringComparison.Ordinal))
            return Schedule.Cosine(Number("base"), Number("final"), Integer("epochs"), Integer("niter"), Integer("warmup"), Number("start"));
        if (kind.StartsWith("dinov2 CosineScheduler", StringComparison.Ordinal))
            return Schedule.CosineOverSteps(Number("base"), Number("final"), Integer("total"), Integer("warmup"), Number("start"), Integer("freeze"));
        if (kind == "DINOLoss.teacher_temp_schedule")
            return Schedule.PerEpoch(Number("wt"), Number("tt"), Integer("we"), Integer("ep"));
        if (kind.StartsWith("torch CosineAnnealingLR", StringComparison.Ordinal))
        {
            tolerance = 1e-9;
            return Schedule.Annealing(Number("lr"), Number("eta"), Integer("T"), count);
        }

        throw new Xunit.Sdk.XunitException($"No code builds a schedule of kind '{kind}': {row}");
    }
}
