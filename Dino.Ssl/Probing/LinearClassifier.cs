using System.Text.Json;
using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Probing;

/// <summary>A linear classifier on the features of a frozen network, as <see cref="LinearProbeRun"/> trains it. Its file describes itself.</summary>
public sealed class LinearClassifier : IDisposable
{
    private const string Format = "dino-linear-classifier-2", FormerFormat = "dino-linear-classifier-1";
    private const string DescriptionKey = "classifier";

    private readonly ParameterStore _store = new();
    private readonly Linear _layer;
    private readonly ProbeLayout _layout;
    private readonly ClassifierDescription _description;

    internal LinearClassifier(Device device, ClassifierDescription description, float[] weight, float[] bias)
    {
        _description = description;
        _layout = ProbeLayout.Of(description.Width, [description.Head]);
        _layer = new Linear(_store.Root / "linear", _layout.Columns, description.Classes.Count);
        _store.Allocate(device, withGradients: false, initialize: false);
        StateDict.Write(_layer.Weight, weight);
        StateDict.Write(_layer.Bias!, bias);
    }

    /// <summary>Names of the classes by number.</summary>
    public IReadOnlyList<string> Classes => _description.Classes;

    /// <summary>What it sees of a picture.</summary>
    public LinearHead Head => _description.Head;

    /// <summary>Length of a feature: <see cref="LinearHead.Blocks"/> CLS tokens, oldest first, then the mean patch token if the head sees it.</summary>
    public int FeatureWidth => _layout.Columns;

    /// <summary>What the network is to see of a picture.</summary>
    public Preprocessing Preprocessing => _description.Preprocessing;

    /// <summary>On the test pictures of its training; null if there was no test.</summary>
    public LinearScore? Score => _description.Score;

    /// <summary>Loads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">Not a file of a linear classifier, or damaged.</exception>
    public static LinearClassifier Load(string path, Device device)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        string? format = file.Metadata.GetValueOrDefault("format");
        if (format == FormerFormat)
            throw new InvalidDataException($"{path} is a linear classifier of another version ({FormerFormat}, not {Format}): it does not say of which network in a way that tells all others apart. Train it again with dino linear.");
        if (format != Format)
            throw new InvalidDataException($"{path} is not a linear classifier. Give the --output file of dino linear.");
        ClassifierDescription description = Describe(file);
        int columns = ProbeLayout.Of(description.Width, [description.Head]).Columns;
        Require("linear.weight", [description.Classes.Count, columns]);
        Require("linear.bias", [description.Classes.Count]);
        return new LinearClassifier(device, description, file.ReadSingles("linear.weight"), file.ReadSingles("linear.bias"));

        void Require(string name, long[] shape)
        {
            if (!file.Entries.TryGetValue(name, out TensorEntry? entry) || !entry.Shape.SequenceEqual(shape))
                throw new InvalidDataException($"{path} is damaged: '{name}' should be [{string.Join(", ", shape)}], it is {entry?.ShapeText ?? "not there"}.");
        }
    }

    /// <summary>Writes the classifier; an older file is replaced in one move.</summary>
    public void Save(string path)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = Format;
        writer.Metadata[DescriptionKey] = JsonSerializer.Serialize(_description, ProbeJson.Default.ClassifierDescription);
        foreach (Parameter parameter in _store.All)
            writer.Add(parameter.Name, parameter.Tensor);
        writer.Save(path);
    }

    /// <summary>The features of a network that this classifier has learned on.</summary>
    /// <exception cref="ArgumentException">It has learned on those of another network: another architecture, or other weights.</exception>
    public FeatureExtractor ExtractorOf(LoadedModel model)
    {
        if (model.Backbone.Options.Width != _description.Width)
            throw new ArgumentException($"The classifier learned from a network {_description.Width} wide, this one is {model.Backbone.Options.Width} wide. Give the weights that it was trained with.");
        FeatureExtractor extractor = _layout.ExtractorOf(model);
        return model.Fingerprint == _description.Network ? extractor
            : throw new ArgumentException("The classifier learned from a network with other weights. Give the weights that it was trained with (the student of a run is not its teacher).");
    }

    /// <summary>The classes that a picture most probably shows, best first.</summary>
    /// <param name="model">The network of the classifier.</param>
    /// <param name="image">The picture.</param>
    /// <param name="count">How many; all of them if there are fewer.</param>
    /// <exception cref="ArgumentException">The network is another one.</exception>
    public IReadOnlyList<ClassPrediction> Predict(LoadedModel model, Image image, int count = 5) =>
        Rank(Probabilities(FeatureSet.OfImage(ExtractorOf(model), image, "", Preprocessing).Values), count);

    /// <summary>The classes that each picture of a folder most probably shows, best first.</summary>
    /// <param name="model">The network of the classifier.</param>
    /// <param name="folder">The pictures; classes of theirs are not looked at.</param>
    /// <param name="count">How many classes a picture; all of them if there are fewer.</param>
    /// <param name="batch">Pictures at a time.</param>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>What it says of each usable picture, and the files that could not be used.</returns>
    /// <exception cref="ArgumentException">The network is another one.</exception>
    public (IReadOnlyList<ClassifiedPicture> Pictures, IReadOnlyCollection<SkippedPicture> Skipped) Predict(
        LoadedModel model, ImageFolder folder, int count = 5, int batch = 32, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        FeatureSet features = FeatureSet.OfModel(ExtractorOf(model), folder, Preprocessing, batch, progress, cancellationToken);
        List<ClassifiedPicture> pictures = new(features.Count);
        // One picture at a time: the probabilities of all would take more memory than their features where there are many classes.
        for (int i = 0; i < features.Count; i++)
            pictures.Add(new ClassifiedPicture(features.Paths[i], Rank(Probabilities(features.Values.AsSpan(i * FeatureWidth, FeatureWidth)), count)));
        return (pictures, features.Skipped);
    }

    /// <summary>Probability of each class.</summary>
    /// <param name="features">[N, <see cref="FeatureWidth"/>].</param>
    /// <returns>[N, classes].</returns>
    /// <exception cref="ShapeMismatchException">Not a number of features.</exception>
    public float[] Probabilities(ReadOnlySpan<float> features)
    {
        if (features.Length % FeatureWidth != 0)
            throw new ShapeMismatchException($"A linear classifier takes rows of {FeatureWidth} features: {features.Length} values are no number of them.");
        using Scope scope = _store.Device.OpenScope(GradMode.Off);
        return _layer.Forward(scope.Upload(features, [features.Length / FeatureWidth, FeatureWidth])).Softmax().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private ClassPrediction[] Rank(float[] probabilities, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return [.. Enumerable.Range(0, probabilities.Length).OrderByDescending(number => probabilities[number]).Take(count).Select(number => new ClassPrediction(Classes[number], number, probabilities[number]))];
    }

    private static ClassifierDescription Describe(SafetensorsFile file)
    {
        try
        {
            if (JsonSerializer.Deserialize(file.Metadata.GetValueOrDefault(DescriptionKey, "null"), ProbeJson.Default.ClassifierDescription) is { Classes.Count: > 1, Width: > 0, Head.Blocks: > 0 } description)
            {
                description.Preprocessing.Validate();
                return description;
            }
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"{file.FilePath} is damaged: '{DescriptionKey}' of its metadata is not what it should be ({error.Message}).", error);
        }

        throw new InvalidDataException($"{file.FilePath} is damaged: its metadata do not describe a classifier.");
    }
}
