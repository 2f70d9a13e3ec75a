using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Retrieval;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Retrieval;

/// <summary>Rankings and features at several scales against the official retrieval evaluation; clusters against numbers from a textbook.</summary>
public class RetrievalMetricsTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("g_eval", name => name == "metrics");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Mean_average_precision_agrees(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        int[] ranks = [.. golden.Doubles("in.ranks").Select(item => (int)item)];
        int queries = golden.Shape("in.ranks")[1], memory = golden.Shape("in.ranks")[0];
        int[][] rankings = [.. Enumerable.Range(0, queries).Select(query => Enumerable.Range(0, memory).Select(rank => ranks[(rank * queries) + query]).ToArray())];
        RankingTruth[] truths = [.. golden.Config.GetProperty("gnd").EnumerateArray().Select(truth => new RankingTruth(Items(truth, "ok"), Items(truth, "junk")))];
        RankingScores scores = RankingScores.Of(rankings, truths, Items(golden.Config, "kappas"));

        // Sums of a few quotients in double precision.
        Assert.Equal(golden.Config.GetProperty("map").GetDouble(), scores.MeanAveragePrecision, 1e-14);
        AssertEqual(golden.Doubles("out.aps"), scores.AveragePrecisions);
        AssertEqual(golden.Doubles("out.prs"), [.. scores.Precisions.SelectMany(row => row)]);
        AssertEqual([.. golden.Config.GetProperty("precision_at_1_5_10").EnumerateArray().Select(value => value.GetDouble())], scores.MeanPrecisions);
    }

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Accuracies_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        float[] logits = golden.Singles("in.logits");
        int classes = golden.Shape("in.logits")[1];
        int[] ranks = [.. golden.Doubles("in.target").Select((label, row) => ClassRank.Of(logits.AsSpan(row * classes, classes), (int)label))];
        // Percent, rounded to single precision.
        Assert.Equal(golden.Doubles("out.acc1").Single(), 100.0 * ranks.Count(rank => rank < 1) / ranks.Length, 1e-5);
        Assert.Equal(golden.Doubles("out.acc5").Single(), 100.0 * ranks.Count(rank => rank < 5) / ranks.Length, 1e-5);
    }

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Features_at_several_scales_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        ParameterStore store = new();
        VisionTransformer network = new(store.Root, new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 24, Depth = 2, Heads = 2 });
        store.Allocate(CpuDevice.Shared, withGradients: false);
        using (store)
        {
            FixtureWeights.LoadParameters(store, golden, "ms_model.");
            using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
            golden.AssertMatches("out.multi_scale", MultiScale.Features(network, scope.Upload(golden.Singles("in.ms_image"), [1, 3, 64, 64])).ToArray());
        }
    }

    [Fact]
    public void A_query_without_anything_to_find_does_not_count()
    {
        RankingScores scores = RankingScores.Of([[0, 1, 2], [2, 1, 0]], [new([1], [0]), new([], [])], 1, 2);
        Assert.Equal((1.0, 1.0, double.NaN), (scores.MeanAveragePrecision, scores.AveragePrecisions[0], scores.AveragePrecisions[1]));
        Assert.Equal([1.0, 1.0], scores.MeanPrecisions);
        Assert.Throws<ArgumentException>(() => RankingScores.Of([[0]], []));
    }

    /// <summary>Manning, Raghavan and Schütze 2008, figure 16.4: purity 12 / 17, normalised mutual information 0.36.</summary>
    [Fact]
    public void Agreement_of_clusters_is_that_of_the_textbook()
    {
        int[] clusters = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2];
        int[] classes = [0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 2, 0, 0, 2, 2, 2];
        ClusterAgreement agreement = ClusterAgreement.Of(clusters, classes);
        Assert.Equal(12 / 17.0, agreement.Purity, 1e-12);
        Assert.Equal(0.36, agreement.NormalizedMutualInformation, 0.005);
        Assert.Equal(new ClusterAgreement(1, 1), ClusterAgreement.Of([2, 2, 0, 1], [0, 0, 1, 2]));
        Assert.Equal(0, ClusterAgreement.Of([0, 0, 1, 1], [0, 1, 0, 1]).NormalizedMutualInformation, 1e-12);
        Assert.Throws<ArgumentException>(() => ClusterAgreement.Of([0], []));
    }

    [Fact]
    public void Clusters_are_numbered_by_size_and_ordered_by_distance()
    {
        float[] values = [0, 10, 11, 12.5f, 10.5f];
        FeatureSet features = new(values, 1, [1, 0, 0, 0, 0], ["a", "b", "c", "d", "e"], ["x", "y"], []);
        PictureClusters clusters = PictureClusters.Of(CpuDevice.Shared, features, new KMeansOptions { Clusters = 2 });
        Assert.Equal([1, 0, 0, 0, 0], clusters.Labels);
        // The centre of the larger one is 11.
        Assert.Equal([2, 4, 1, 3], clusters.Members[0]);
        Assert.Equal([0, 1, 0, 1.5, 0.5], clusters.Distances);
        Assert.Equal(new ClusterAgreement(1, 1), clusters.Agreement);
    }

    private static int[] Items(JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(item => item.GetInt32())];

    private static void AssertEqual(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        foreach ((double wanted, double found) in expected.Zip(actual))
            Assert.Equal(wanted, found, 1e-14);
    }
}
