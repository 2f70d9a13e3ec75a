using System.Globalization;
using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Plots;
using Dino.Ssl.Report;

namespace Dino.Ssl.Demo;

/// <summary>The page and the plots of the demonstration.</summary>
internal sealed class DemoReport(DemoOptions options, string output)
{
    public void Save(string path, KnnResult pixels, KnnResult untrained, KnnResult trained, IReadOnlyList<ReportPicture> attention)
    {
        IReadOnlyList<LineChart> charts = Curves().ToCharts();
        foreach ((LineChart chart, string name) in charts.Zip(["loss", "entropy", "kl", "learning-rate"]))
            chart.Save(Path.Combine(output, $"{name}.svg"));
        new HtmlReport
        {
            Title = "DINO on drawn pictures",
            Summary = $"A vision transformer learned from {pixels.Train} pictures without their labels. Labels serve here only to measure, by the nearest neighbours, what its features tell about the classes.",
            Settings = Settings(),
            Accuracies =
            [
                new ReportAccuracy("raw pixels", pixels.Top1, pixels.Top5),
                new ReportAccuracy("untrained network", untrained.Top1, untrained.Top5),
                new ReportAccuracy("trained teacher", trained.Top1, trained.Top5, IsResult: true),
            ],
            AccuracyNote = $"weighted k-NN, {trained.K} neighbours, T = 0.07, {trained.Train} pictures in memory, {trained.Test} test pictures, chance is {100.0 / DrawnPictures.ClassNames.Count:f0} %; the same by hand: dino knn --weights run/teacher.safetensors --train pictures/train --test pictures/test --resize {options.EvaluationSize} --crop {options.EvaluationSize}; with --untrained --seed {options.Dino.Seed} or --pixels for the other rows",
            Charts = charts,
            Pictures = attention,
            PicturesTitle = "What the CLS token attends to: mean over heads, each head, and the patches that hold 60 % of its attention",
            PicturesNote = "Expect little of these: after so short a run on so few pictures the heads look at a few single patches and outline no shapes. The outlines that DINO is known for come from hundreds of epochs on a million photographs.",
        }.Save(path);
    }

    private List<ReportEntry> Settings()
    {
        VisionTransformerOptions backbone = options.Dino.Backbone;
        static string Text(double value) => value.ToString("g4", CultureInfo.InvariantCulture);
        return
        [
            new("pictures", $"{options.TrainPerClass} + {options.TestPerClass} of each of {DrawnPictures.ClassNames.Count} classes, {DrawnPictures.DefaultSize} px"),
            new("network", $"ViT, width {backbone.Width}, {backbone.Depth} blocks, {backbone.Heads} heads, patch {backbone.PatchSize}"),
            new("prototypes K", options.Dino.Head.Prototypes.ToString(CultureInfo.InvariantCulture)),
            new("views", $"2 of {options.Crops.GlobalSize} px and {options.Crops.LocalCrops} of {options.Crops.LocalSize} px"),
            new("batch, epochs", $"{options.Dino.BatchSize}, {options.Dino.Epochs}"),
            new("learning rate", $"{Text(options.Dino.ScaledLearningRate)} after {options.Dino.WarmupEpochs} epochs of warm-up"),
            new("teacher", $"momentum {Text(options.Dino.MomentumTeacher)} to 1, temperature {Text(options.Dino.TeacherTemperature)}"),
            new("seed", options.Seed.ToString(CultureInfo.InvariantCulture)),
        ];
    }

    /// <summary>The steps of <c>log.jsonl</c>.</summary>
    private TrainingCurves Curves()
    {
        List<double> steps = [], loss = [], entropy = [], divergence = [], rate = [];
        foreach (string line in File.ReadLines(Path.Combine(output, "run", "log.jsonl")))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement row = document.RootElement;
            if (row.GetProperty("type").GetString() != "step")
                continue;
            steps.Add(row.GetProperty("step").GetDouble());
            loss.Add(row.GetProperty("loss").GetDouble());
            entropy.Add(row.GetProperty("teacher_entropy").GetDouble());
            divergence.Add(row.GetProperty("kl").GetDouble());
            rate.Add(row.GetProperty("lr").GetDouble());
        }

        return new TrainingCurves { Steps = steps, Loss = loss, TeacherEntropy = entropy, Divergence = divergence, LearningRate = rate, Prototypes = options.Dino.Head.Prototypes };
    }
}
