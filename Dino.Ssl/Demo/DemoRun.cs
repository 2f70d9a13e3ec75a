using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Report;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Ssl.Demo;

/// <summary>The whole way once, on pictures it draws itself: files on disk, training, k-NN before and after, attention pictures, report.</summary>
public sealed class DemoRun(Device device, string output, DemoOptions options)
{
    private string Pictures => Path.Combine(output, "pictures");

    /// <summary>Runs the demonstration.</summary>
    /// <param name="say">Told about each stage.</param>
    /// <param name="progress">Told about each training step.</param>
    /// <param name="cancellationToken">Stops it; what was written stays.</param>
    public DemoResult Run(Action<string> say, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        say($"drawing {options.TrainPerClass + options.TestPerClass} pictures of each of {DrawnPictures.ClassNames.Count} classes into {Pictures}");
        DrawnPictures.WriteTo(Pictures, options.TrainPerClass, options.TestPerClass, options.Seed, cancellationToken: cancellationToken);
        (ImageFolder train, ImageFolder test) = (ImageFolder.Open(Path.Combine(Pictures, "train")), ImageFolder.Open(Path.Combine(Pictures, "test")));
        Preprocessing seen = new() { Size = options.EvaluationSize, ResizeTo = options.EvaluationSize };
        KnnResult pixels = Knn(folder => FeatureSet.OfPixels(device, folder, seen, cancellationToken: cancellationToken));
        say($"20-NN accuracy of raw pixels: {pixels.Top1:f1} %");
        KnnResult untrained = Knn(folder =>
        {
            using LoadedModel model = ModelFile.Untrained(options.Dino.Backbone, device, options.Dino.Seed);
            return FeatureSet.OfModel(model, folder, seen, cancellationToken: cancellationToken);
        });
        say($"20-NN accuracy of the untrained network: {untrained.Top1:f1} %");

        string folder = Path.Combine(output, "run");
        using (TrainingRun run = new(device, new RunOptions { Data = train.Path, Output = folder, Dino = options.Dino, Crops = options.Crops, SnapshotEpochs = 0 }))
        {
            if (!run.Run(progress, cancellationToken).Completed)
                throw new OperationCanceledException(cancellationToken);
        }

        using LoadedModel teacher = ModelFile.Load(Path.Combine(folder, "teacher.safetensors"), device);
        KnnResult trained = Knn(pictures => FeatureSet.OfModel(teacher, pictures, seen, cancellationToken: cancellationToken));
        say($"20-NN accuracy of the trained network: {trained.Top1:f1} %");
        string report = Path.Combine(output, "report.html");
        new DemoReport(options, output).Save(report, pixels, untrained, trained, AttentionPictures(teacher, test));
        return new DemoResult(pixels, untrained, trained, report);

        KnnResult Knn(Func<ImageFolder, FeatureSet> embed)
        {
            (FeatureSet memory, FeatureSet queries) = (embed(train), embed(test));
            using KnnClassifier classifier = new(device, memory.Values, memory.Labels);
            return classifier.Evaluate(queries.Values, queries.Labels, cancellationToken: cancellationToken);
        }
    }

    /// <summary>One test picture of each class, enlarged twice: a finer grid of patches, at a scale the training views have seen.</summary>
    private List<ReportPicture> AttentionPictures(LoadedModel teacher, ImageFolder test)
    {
        List<ReportPicture> pictures = [];
        for (int label = 0; label < test.Classes.Count; label++)
        {
            ImageSample sample = test.Samples.First(candidate => candidate.Class == label);
            AttentionMap map = AttentionMap.Of(teacher, ImageFile.Decode(sample.Path), 2 * options.EvaluationSize, out Image seen);
            Image sheet = map.Sheet(seen);
            PngEncoder.Save(sheet, Path.Combine(output, $"attention-{test.Classes[label]}.png"));
            pictures.Add(new ReportPicture(sheet, test.Classes[label]));
        }

        return pictures;
    }
}
