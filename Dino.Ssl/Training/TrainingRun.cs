using System.Diagnostics;
using System.Globalization;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>Trains from a folder of pictures to weights, with log and checkpoints.</summary>
public sealed class TrainingRun : IDisposable
{
    private const string StudentName = "student.safetensors";
    private const string TeacherName = "teacher.safetensors";

    private readonly RunOptions _options;
    private readonly DeviceViews? _deviceViews;
    private readonly CropView[] _views;
    private readonly BatchLoader _loader;
    private readonly EpochMeter _meter;

    /// <summary>Opens the data, builds the networks and restores the checkpoint if asked to.</summary>
    /// <param name="device">Where to train.</param>
    /// <param name="options">The run.</param>
    /// <param name="onSkipped">Called once for each unusable picture, on another thread.</param>
    public TrainingRun(Device device, RunOptions options, Action<SkippedPicture>? onSkipped = null)
    {
        options.Validate();
        _options = options;
        ImageFolder folder = ImageFolder.Open(options.Data);
        if (folder.Count < options.Dino.BatchSize)
            throw new ArgumentException($"'{options.Data}' holds {folder.Count} pictures, fewer than one batch of {options.Dino.BatchSize}. Use --batch-size {folder.Count} or less.");
        _deviceViews = options.Augment == AugmentationPlace.Device ? DeviceViews.Create(device, options.Crops, options.Dino.BatchSize) : null;
        _views = new CropView[options.Crops.ViewCount];
        Directory.CreateDirectory(options.Output);
        foreach (string name in (string[])[Checkpoint.FileName, TrainingLog.FileName, StudentName, TeacherName, .. KeptNames(options.Dino.Epochs)])
            AtomicFile.RemoveLeftovers(Path.Combine(options.Output, name));
        BatchLoaderOptions batches = new()
        {
            BatchSize = options.Dino.BatchSize,
            Seed = options.Dino.Seed,
            Workers = options.Workers,
            CacheBytes = options.CacheBytes,
            OnSkipped = onSkipped,
        };
        MultiCropAugmentation views = new(options.Crops);
        _loader = _deviceViews is null ? new BatchLoader(folder, views, batches) : new BatchLoader(folder, views, batches, _deviceViews.Augmentation);
        try
        {
            Trainer = new DinoTrainer(device, options.Dino, _loader.BatchesPerEpoch) { Accumulate = options.Accumulate };
            if (options.Resume && File.Exists(CheckpointPath))
                Checkpoint.Load(Trainer, options.Crops, CheckpointPath);
            else if (options.ResumeFrom is { } earlier)
                ResumeFrom(earlier);
        }
        catch
        {
            _deviceViews?.Dispose();
            _loader.Dispose();
            Trainer?.Dispose();
            throw;
        }

        _meter = new EpochMeter(options.Dino.Head.Prototypes, options.Dino.BatchSize);
    }

    /// <summary>The state.</summary>
    public DinoTrainer Trainer { get; }

    /// <summary>Called when an epoch shows that the run does not learn, with what to change; not again until it had recovered.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Warnings of the last epoch about a run that does not learn.</summary>
    public IReadOnlyList<string> Warnings => _meter.Warnings;

    private string CheckpointPath => Path.Combine(_options.Output, Checkpoint.FileName);

    /// <summary>Trains to the end, or until cancelled; then a checkpoint is written too.</summary>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        DinoSchedules schedules = Trainer.Schedules;
        int perEpoch = schedules.IterationsPerEpoch;
        using TrainingLog log = TrainingLog.Open(Path.Combine(_options.Output, TrainingLog.FileName), Trainer.StepIndex, (int)(Trainer.StepIndex / perEpoch));
        _loader.Start((int)(Trainer.StepIndex / perEpoch), (int)(Trainer.StepIndex % perEpoch), _options.Dino.Epochs);
        _meter.Begin(schedules.Steps - Trainer.StepIndex, log.Unfinished);
        try
        {
            while (Trainer.StepIndex < schedules.Steps)
            {
                cancellationToken.ThrowIfCancellationRequested();
                SampleBatch batch = _loader.Next(cancellationToken) ?? throw new InvalidOperationException("The loader ended before the run.");
                StepReport report = Step(batch);
                _meter.Add(report);
                log.Write(Trainer.StepIndex - 1, report, Math.Round(_meter.ImagesPerSecond, 2));
                progress?.Report(new TrainingProgress(Trainer.StepIndex, schedules.Steps, report.Settings.Epoch, _options.Dino.Epochs, report, _meter.ImagesPerSecond, _meter.Remaining));
                if (Trainer.StepIndex % perEpoch == 0)
                    EndEpoch(log, report);
                else if (_options.CheckpointSteps > 0 && Trainer.StepIndex % _options.CheckpointSteps == 0)
                    Checkpoint.Save(Trainer, _options.Crops, CheckpointPath);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Checkpoint.Save(Trainer, _options.Crops, CheckpointPath);
            SaveWeights();
            return new TrainingResult(Trainer.StepIndex, false, _loader.Skipped);
        }

        SaveWeights();
        return new TrainingResult(Trainer.StepIndex, true, _loader.Skipped);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The device may be copying from the loader's memory: giving the views back waits for it.
        _deviceViews?.Dispose();
        _loader.Dispose();
        Trainer.Dispose();
    }

    private StepReport Step(SampleBatch batch)
    {
        if (_deviceViews is not null)
            return Trainer.Step(_deviceViews.Make(batch), batch.Count);
        for (int i = 0; i < _views.Length; i++)
            _views[i] = new CropView(batch.ViewMemory(i), batch.ViewSizes[i], batch.ViewSizes[i]);
        return Trainer.Step(_views, batch.Count);
    }

    /// <summary>The content of the file says whether it is a checkpoint of ours or an official one.</summary>
    private void ResumeFrom(string path)
    {
        using TensorFile file = TensorFile.Open(path);
        if (file is TorchFile official)
            OfficialCheckpoint.Load(Trainer, official, _options.Crops);
        else
            Checkpoint.Load(Trainer, _options.Crops, path);
    }

    private void EndEpoch(TrainingLog log, StepReport report)
    {
        int epoch = report.Settings.Epoch;
        bool wasHealthy = Warnings.Count == 0;
        log.Write(_meter.EndEpoch(Trainer.StepIndex - 1, report, _loader.Skipped.Count));
        foreach (string warning in wasHealthy ? Warnings : [])
            OnWarning?.Invoke(warning);
        // The snapshot comes first: a kill between the two repeats the epoch, and the snapshot with it.
        if (_options.SnapshotEpochs > 0 && (epoch + 1) % _options.SnapshotEpochs == 0)
            Checkpoint.Save(Trainer, _options.Crops, Path.Combine(_options.Output, KeptName(epoch + 1)));
        Checkpoint.Save(Trainer, _options.Crops, CheckpointPath);
        SaveWeights();
    }

    private void SaveWeights()
    {
        ModelFile.Save(Path.Combine(_options.Output, StudentName), Trainer.Student, _options.Crops, "student");
        ModelFile.Save(Path.Combine(_options.Output, TeacherName), Trainer.Teacher, _options.Crops, "teacher");
    }

    /// <summary>Means over an epoch, speed and time left.</summary>
    private sealed class EpochMeter(int prototypes, int batch)
    {
        private readonly StepSpeed _speed = new();
        private readonly Stopwatch _epoch = new();
        private long _last;
        private long _left;
        private EpochSums _sums;
        private int _timed;

        public IReadOnlyList<string> Warnings { get; private set; } = [];

        public double ImagesPerSecond => _speed.SecondsPerStep > 0 ? batch / _speed.SecondsPerStep : 0;

        public TimeSpan? Remaining => _speed.TimeFor(_left);

        /// <param name="steps">Steps left.</param>
        /// <param name="unfinished">What an earlier part of the run did of this epoch.</param>
        public void Begin(long steps, EpochSums unfinished)
        {
            (_left, _sums) = (steps, unfinished);
            _last = Stopwatch.GetTimestamp();
            _epoch.Restart();
        }

        public void Add(StepReport report)
        {
            _speed.Add(Stopwatch.GetElapsedTime(_last).TotalSeconds);
            _last = Stopwatch.GetTimestamp();
            (_sums, _timed, _left) = (_sums.With(report.Loss, report.TeacherEntropy), _timed + 1, _left - 1);
        }

        public EpochLine EndEpoch(long step, StepReport report, int skipped)
        {
            DinoSettings s = report.Settings;
            (double loss, double entropy, double seconds) = (_sums.Loss / _sums.Count, _sums.Entropy / _sums.Count, _epoch.Elapsed.TotalSeconds);
            Warnings = TrainingHealth.Check(loss, entropy, prototypes);
            EpochLine line = new("epoch", s.Epoch, step, loss, entropy, loss - entropy, s.LearningRate, s.WeightDecay, s.Momentum, s.TeacherTemperature, Math.Round(_timed * batch / seconds, 2), Math.Round(seconds, 2), skipped, [.. Warnings]);
            (_sums, _timed) = (default, 0);
            _epoch.Restart();
            return line;
        }
    }

    /// <summary>Name of the checkpoint that is kept after so many epochs.</summary>
    private static string KeptName(int epochs) => string.Create(CultureInfo.InvariantCulture, $"checkpoint{epochs:0000}.safetensors");

    private static IEnumerable<string> KeptNames(int epochs) => Enumerable.Range(1, epochs).Select(KeptName);
}
