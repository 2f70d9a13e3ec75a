using System.Diagnostics;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;

namespace Dino.Ssl.Probing;

/// <summary>
/// Trains linear classifiers on the features of a frozen network, from two folders with one sub-folder per class. A function of pictures and settings: a
/// pause leaves no trace in any bit.
/// </summary>
/// <remarks>
/// The official eval_linear of DINO, and with <see cref="LinearProbeOptions.Sweep"/> that of DINOv2. Test pictures are not augmented and the network does not
/// learn, so their features are computed once.
/// </remarks>
public sealed class LinearProbeRun : IDisposable
{
    /// <summary>The batch size that learning rates are stated for.</summary>
    private const double ReferenceBatch = 256;

    /// <summary>An epoch may take a moment only: the state is written no more often than this, at the end and when cancelled.</summary>
    private static readonly TimeSpan s_saveInterval = TimeSpan.FromSeconds(10);

    private readonly LoadedModel _model;
    private readonly LinearProbeOptions _options;
    private readonly ImageFolder _train;
    private readonly ImageFolder _test;
    private readonly Preprocessing _preprocessing;
    private readonly string _fingerprint;
    private readonly Action<SkippedPicture>? _onSkipped;
    private readonly FeatureExtractor _extractor;
    private readonly List<LinearEpoch> _epochs = [];
    private readonly StepSpeed _speed = new();
    private double[] _sums;
    private long _pictures;
    private long _step;
    private FeatureSet? _tested;
    private int[] _testLabels = [];
    private IProbeBatches? _batches;

    /// <summary>A run before its first step.</summary>
    /// <param name="model">The frozen network; it stays the caller's.</param>
    /// <param name="train">Pictures to learn from, with classes.</param>
    /// <param name="test">Pictures to measure with; classes that the training pictures lack count as wrong.</param>
    /// <param name="options">Heads and schedule.</param>
    /// <param name="preprocessing">What the network sees of test pictures; the size of the random crops too. The model's own unless given.</param>
    /// <param name="onSkipped">Called once for each unusable training picture, on another thread.</param>
    /// <exception cref="ArgumentException">The settings, the network and the pictures do not fit together; the message names the fix.</exception>
    public LinearProbeRun(LoadedModel model, ImageFolder train, ImageFolder test, LinearProbeOptions options, Preprocessing? preprocessing = null, Action<SkippedPicture>? onSkipped = null)
    {
        options.Validate();
        (_model, _train, _test, _options, _onSkipped) = (model, train, test, options, onSkipped);
        _preprocessing = preprocessing ?? model.Preprocessing;
        // Now, because a file of weights may be replaced while this runs.
        _fingerprint = model.Fingerprint;
        int width = model.Backbone.Options.Width;
        _extractor = ProbeLayout.Of(width, options.Heads).ExtractorOf(model);
        _testLabels = ClassNames.Renumber([.. test.Samples.Select(sample => sample.Class)], test.Classes, train.Classes);
        Probe = new LinearProbe(model.Device, train.Classes.Count, width, options.Heads, options.Momentum, options.Seed);
        _sums = new double[options.Heads.Count];
    }

    /// <summary>What learns.</summary>
    public LinearProbe Probe { get; }

    /// <summary>Where the state is kept, at ends of epochs and when cancelled; null for nowhere.</summary>
    public string? StatePath { get; init; }

    /// <summary>Steps done.</summary>
    public long Step => _step;

    /// <summary>Steps of the whole run, once the training pictures are known.</summary>
    public long Steps => (long)_options.Epochs * Batches.PerEpoch;

    private IProbeBatches Batches => _batches ?? throw new InvalidOperationException("The training pictures have not been read: call ReadTrainingPictures.");

    /// <summary>Computes the features of the test pictures. <see cref="Run"/> does it if it has not been done.</summary>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public void ReadTestPictures(IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        _tested ??= Collect(_test, progress, cancellationToken);
        _testLabels = ClassNames.Renumber(_tested.Labels, _test.Classes, _train.Classes);
    }

    /// <summary>Computes the features of the training pictures if they are to be cached, and restores the state. <see cref="Run"/> does it if it has not been done.</summary>
    /// <param name="resume">Goes on from <see cref="StatePath"/>, if there is such a file.</param>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="InvalidDataException">The state is damaged, or of another run; the message names the difference.</exception>
    public void ReadTrainingPictures(bool resume = false, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        _batches ??= _options.IsCached
            ? new CachedBatches(Collect(_train, progress, cancellationToken), _options)
            : new AugmentedBatches(_extractor, _train, _preprocessing, _options, _onSkipped);
        if (resume && File.Exists(StatePath))
            Restore(StatePath);
    }

    /// <summary>Trains to the end, or until cancelled.</summary>
    /// <param name="progress">After each step.</param>
    /// <param name="cancellationToken">Stops between steps; the result says so.</param>
    /// <exception cref="NonFiniteProbeException">Every head has diverged.</exception>
    public LinearProbeResult Run(IProgress<LinearProbeProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ReadTestPictures(null, cancellationToken);
        ReadTrainingPictures(false, null, cancellationToken);
        Batches.Start((int)(_step / Batches.PerEpoch), (int)(_step % Batches.PerEpoch), _options.Epochs);
        long last = Stopwatch.GetTimestamp();
        long? saved = null;
        try
        {
            while (_step < Steps)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Batches.Next(cancellationToken);
                double rate = RateAt(_step) * _options.BatchSize / ReferenceBatch;
                Learn(rate);
                // The features of an epoch cost the steps, the test costs the epoch: both are in the time left.
                LinearEpoch? ended = _step % Batches.PerEpoch == 0 ? EndEpoch(rate) : null;
                _speed.Add(Stopwatch.GetElapsedTime(last).TotalSeconds);
                last = Stopwatch.GetTimestamp();
                progress?.Report(ProgressOf(rate, ended));
                if (StatePath is not null && ended is not null && (saved is not { } before || Stopwatch.GetElapsedTime(before) > s_saveInterval || _step == Steps))
                {
                    SaveState(StatePath);
                    saved = Stopwatch.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            if (StatePath is not null)
                SaveState(StatePath);
            return Result(isCompleted: false);
        }

        return Result(isCompleted: true);
    }

    /// <summary>Writes everything that <see cref="ReadTrainingPictures"/> restores.</summary>
    /// <param name="path">Where to; an older file is replaced in one move.</param>
    public void SaveState(string path) => ProbeState.Save(path, Probe, _options, Subject, new ProbePosition(_step, _sums, _pictures, _epochs));

    /// <summary>The classifier of one head as it is now, to be saved and used.</summary>
    /// <param name="head">Index into <see cref="LinearProbeOptions.Heads"/>.</param>
    public LinearClassifier ClassifierOf(int head)
    {
        LinearScore? score = _epochs is [.., { Scores: { } scores }] ? scores[head] : null;
        ClassifierDescription description = new(
            _train.Classes, _model.Backbone.Options.Width, _options.Heads[head], _preprocessing, _fingerprint, _epochs.Count, _options.IsCached, score);
        (float[] weight, float[] bias) = Probe.WeightsOf(head);
        return new LinearClassifier(_model.Device, description, weight, bias);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches?.Dispose();
        Probe.Dispose();
    }

    private ProbeSubject Subject => new(_fingerprint, _preprocessing, _train.Classes, _train.Count, _test.Count, Batches.PerEpoch);

    private void Restore(string path)
    {
        ProbePosition position = ProbeState.Load(path, Probe, _options, Subject, Steps);
        (_step, _sums, _pictures) = (position.Step, position.Sums, position.Pictures);
        _epochs.Clear();
        _epochs.AddRange(position.Epochs);
    }

    private double RateAt(long step) => _options.AnnealsEachStep
        ? Schedule.Annealing(1, 0, Steps, Steps)[step]
        : Schedule.Annealing(1, 0, _options.Epochs, _options.Epochs)[step / Batches.PerEpoch];

    private void Learn(double rate)
    {
        int count = Batches.Labels.Length;
        Probe.Step(Batches.Features, Batches.Labels, rate);
        for (int head = 0; head < _sums.Length; head++)
            _sums[head] += (double)Probe.Losses[head] * count;
        _pictures += count;
        _step++;
    }

    private LinearEpoch EndEpoch(double rate)
    {
        int number = (int)(_step / Batches.PerEpoch) - 1;
        // As the official code: epochs 0, n, 2 n, ... and the last.
        bool isTested = number % _options.ValidationEpochs == 0 || _step == Steps;
        LinearEpoch epoch = new(number, rate, [.. _sums.Select(sum => sum / _pictures)], isTested ? Probe.Evaluate(_tested!.Values, _testLabels) : null);
        _epochs.Add(epoch);
        Array.Clear(_sums);
        _pictures = 0;
        return epoch;
    }

    private LinearProbeProgress ProgressOf(double rate, LinearEpoch? ended)
    {
        double loss = double.PositiveInfinity, fastest = 0;
        for (int head = 0; head < _sums.Length; head++)
        {
            loss = Math.Min(loss, float.IsNaN(Probe.Losses[head]) ? loss : Probe.Losses[head]);
            fastest = Math.Max(fastest, _options.Heads[head].LearningRate);
        }

        double speed = _speed.SecondsPerStep > 0 ? Math.Min(_options.BatchSize, _train.Count) / _speed.SecondsPerStep : 0;
        return new LinearProbeProgress(_step, Steps, (int)((_step - 1) / Batches.PerEpoch), _options.Epochs, loss, fastest * rate, speed, _speed.TimeFor(Steps - _step), ended);
    }

    private LinearProbeResult Result(bool isCompleted) => new(_step, isCompleted, _options.Heads, [.. _epochs], [.. _tested!.Skipped, .. Batches.Skipped]);

    private FeatureSet Collect(ImageFolder folder, IProgress<int>? progress, CancellationToken cancellationToken) =>
        FeatureSet.OfModel(_extractor, folder, _preprocessing, _options.BatchSize, progress, cancellationToken);
}
