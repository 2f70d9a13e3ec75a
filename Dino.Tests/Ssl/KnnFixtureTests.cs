using System.Text.Json;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Weighted k-NN against the official knn_classifier: votes, predictions and accuracies for every recorded k.</summary>
public class KnnFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("g_eval", name => name.StartsWith("knn_", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Votes_and_accuracies_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        int[] trainLabels = [.. golden.Doubles("in.train_labels").Select(label => (int)label)];
        int[] testLabels = [.. golden.Doubles("in.test_labels").Select(label => (int)label)];
        double temperature = golden.Config.GetProperty("T").GetDouble();
        double relative = golden.Json.GetProperty("tolerances").GetProperty("scores").GetProperty("rtol").GetDouble();
        using KnnClassifier knn = new(CpuDevice.Shared, golden.Singles("in.train"), trainLabels);
        float[] queries = golden.Singles("in.test");

        foreach (JsonProperty row in golden.Config.GetProperty("results").EnumerateObject())
        {
            int k = int.Parse(row.Name[1..], System.Globalization.CultureInfo.InvariantCulture);
            float[] scores = knn.Scores(queries, k, temperature);
            double[] expected = golden.Doubles($"out.{row.Name}.scores");
            int classes = expected.Length / testLabels.Length;
            for (int i = 0; i < expected.Length; i++)
            {
                // A class the memory lacks has no column here and no votes there.
                float score = i % classes < knn.Classes ? scores[(i / classes * knn.Classes) + (i % classes)] : 0;
                Assert.True(Math.Abs(score - expected[i]) <= relative * Math.Abs(expected[i]), $"{golden.Name} {row.Name} votes[{i}] = {score:g8}, expected {expected[i]:g8}.");
            }

            KnnResult result = knn.Evaluate(queries, testLabels, k, temperature);
            // One search for several numbers of neighbours gives what each gives alone.
            Assert.Equal([result, knn.Evaluate(queries, testLabels, k: 1, temperature)], knn.Evaluate(queries, testLabels, [k, 1], temperature));
            if (row.Value.GetProperty("smallest_relative_top1_margin").GetDouble() > 1e-5)
                Assert.Equal(row.Value.GetProperty("top1").GetDouble(), result.Top1, 1e-9);
            Assert.InRange(result.Top5, row.Value.GetProperty("top5_if_all_ties_lose").GetDouble() - 1e-9, row.Value.GetProperty("top5_if_all_ties_win").GetDouble() + 1e-9);
        }
    }

    [Fact]
    public void Few_queries_and_few_classes_work()
    {
        // The official routine fails below 100 queries and below 5 classes.
        float[] features = [1, 0, 0, 1, 0.8f, 0.6f];
        using KnnClassifier knn = new(CpuDevice.Shared, features, [0, 1, 0]);
        KnnResult result = knn.Evaluate([1, 0, 0, 1], [0, 1], k: 20);
        Assert.Equal(new KnnResult(100, 100, 3, 3, 2), result);
    }
}
