using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Training;

/// <summary>The state of a DINO run and its step: the algorithm of the paper, top to bottom.</summary>
/// <remarks>Caron et al. 2021, algorithm 1 with multi-crop; order and arithmetic of the official train_one_epoch.</remarks>
public sealed class DinoTrainer : IDisposable
{
    private readonly GradientClip _clip;
    private readonly CounterMasks _masks;
    private readonly TensorStore _buffersBefore;
    private readonly Repetition _repetition;

    /// <summary>A run before its first step: the teacher is a copy of the student.</summary>
    public DinoTrainer(Device device, DinoOptions options, int iterationsPerEpoch)
    {
        options.Validate();
        (Device, Options) = (device, options);
        Schedules = new DinoSchedules(options, iterationsPerEpoch);
        Student = new DinoNetwork(options.Network, options.Head);
        Student.Store.Allocate(device, options.Seed).IsTraining = true;
        _masks = new CounterMasks(options.Seed);
        Student.Store.Masks = _masks;
        Teacher = new DinoNetwork(options.Network.WithoutDropPath(), options.Head);
        // The teacher stays in training mode: batch norm uses the batch, as in the official code.
        Teacher.Store.Allocate(device, withGradients: false).IsTraining = true;
        Teacher.Store.CopyFrom(Student.Store);
        Optimizer = Optimizer.ByName(options.Optimizer, Student.Store);
        Centre = new TeacherCentre(device, options.Head.Prototypes, options.CentreMomentum);
        _clip = new GradientClip(Student.Store);
        int buffers = (int)Student.Store.BufferValues.Data.Count;
        _buffersBefore = new TensorStore(device, [[buffers], [buffers]], withGradients: false);
        _repetition = device.Backend.CreateRepetition();
    }

    /// <summary>Where the run lives.</summary>
    public Device Device { get; }

    /// <summary>Settings.</summary>
    public DinoOptions Options { get; }

    /// <summary>
    /// Equal parts that each batch is computed in, one after the other, of which the gradients add up to those of the batch: a step needs about one part's
    /// share of the memory for activations. Batch norm sees one part at a time, and drop path draws for each.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>What changes from step to step.</summary>
    public DinoSchedules Schedules { get; }

    /// <summary>The network that learns.</summary>
    public DinoNetwork Student { get; }

    /// <summary>The network that follows.</summary>
    public DinoNetwork Teacher { get; }

    /// <summary>Updates the student.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Centre of the teacher's logits.</summary>
    public TeacherCentre Centre { get; }

    /// <summary>Norms of the student's gradients before clipping.</summary>
    public GradientClip Clip => _clip;

    /// <summary>Steps done.</summary>
    public long StepIndex { get; set; }

    /// <summary>Called between backward and optimizer, for observers; the gradients are those before clipping.</summary>
    public Action<DinoTrainer>? AfterBackward { get; set; }

    /// <summary>One step on a batch.</summary>
    /// <param name="views">Views of the batch: first the two global ones, then the local ones.</param>
    /// <param name="batch">Pictures in the batch, a multiple of <see cref="Accumulate"/>.</param>
    /// <exception cref="NonFiniteLossException">The loss is NaN or infinite; nothing has been updated.</exception>
    public StepReport Step(IReadOnlyList<CropView> views, int batch)
    {
        using Repetition.Turn turn = _repetition.Open();
        using Scope scope = Device.OpenScope();
        return Step(scope, Upload(scope, views, batch), batch);
    }

    /// <summary>One step on a batch whose views are on the device already.</summary>
    /// <param name="groups">Views of the batch [views · B, 3, H, W], one tensor for each run of views of a size: first the two global ones. Tensors of a store.</param>
    /// <inheritdoc cref="Step(IReadOnlyList{CropView}, int)"/>
    public StepReport Step(ReadOnlySpan<Tensor> groups, int batch)
    {
        using Repetition.Turn turn = _repetition.Open();
        using Scope scope = Device.OpenScope();
        Groups used = default;
        foreach (Tensor group in groups)
            used.Add(scope.Use(group));
        return Step(scope, used, batch);
    }

    private StepReport Step(Scope scope, in Groups groups, int batch)
    {
        int size = BatchParts.SizeOf(batch, Accumulate);
        float share = 1f / Accumulate;
        DinoSettings settings = Schedules.At(StepIndex);
        StepReport mean = new(0, 0, settings);
        _masks.BeginStep(StepIndex);
        CopyBuffers(restore: false);
        scope.RoundWeights(Student.Store.Values);
        scope.RoundWeights(Teacher.Store.Values);
        Student.Store.ClearGradients();
        Centre.Clear();
        for (int start = 0; start < batch; start += size)
        {
            // Nothing of a part stays in memory but its share of the gradients and of the centre's mean.
            using Scope.Frame frame = scope.OpenFrame();
            Groups part = Part(groups, batch, start, size);
            Tensor targets = Teacher.Forward(part[0]);
            Tensor logits = Student.Forward(part[..part.Count]);
            Tensor loss = logits.DinoLoss(targets, Centre.Value, (float)Options.StudentTemperature, (float)settings.TeacherTemperature, size, out Tensor entropy);
            StepReport report = new(loss.Item(), entropy.Item(), settings);
            if (!float.IsFinite(report.Loss))
            {
                CopyBuffers(restore: true);
                throw new NonFiniteLossException(StepIndex, report);
            }

            scope.Backward(loss, share);
            Centre.Add(targets);
            mean = mean.Plus(report, share);
        }

        AfterBackward?.Invoke(this);
        GradientClip? clip = Options.ClipGradient > 0 ? _clip : null;
        clip?.Measure((float)Options.ClipGradient);
        if (settings.Epoch < Options.FreezeLastLayer)
            DropLastLayerGradients();
        Optimizer.Step(settings.LearningRate, settings.WeightDecay, clip, new Follower(Teacher.Store, settings.Momentum));
        Centre.Update();
        StepIndex++;
        return mean;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _repetition.Dispose();
        Student.Dispose();
        Teacher.Dispose();
        Optimizer.Dispose();
        Centre.Dispose();
        _clip.Dispose();
        _buffersBefore.Dispose();
    }

    /// <summary>Batch norm moves its running statistics in the forward pass: a step that fails gives back the old ones.</summary>
    private void CopyBuffers(bool restore)
    {
        if (Student.Store.Buffers.Count == 0)
            return;
        CopyBuffers(Student.Store.BufferValues.Data, _buffersBefore[0].View, restore);
        CopyBuffers(Teacher.Store.BufferValues.Data, _buffersBefore[1].View, restore);
    }

    private void CopyBuffers(View buffers, View before, bool restore) =>
        Device.Backend.Copy(restore ? before : buffers, restore ? buffers : before);

    /// <summary>A dropped gradient is no gradient: the optimizer skips the parameter and its step count.</summary>
    private void DropLastLayerGradients()
    {
        foreach (Parameter parameter in LastLayer)
            Student.Store.Values.DropGradient(parameter.Index);
    }

    private Parameter[] LastLayer => field ??= [.. Student.Store.Parameters.Where(parameter => parameter.Name.Contains("last_layer", StringComparison.Ordinal))];

    /// <summary>Puts consecutive views of equal width into one tensor each.</summary>
    private Groups Upload(Scope scope, IReadOnlyList<CropView> views, int batch)
    {
        if (views.Count < 2)
            throw new ArgumentException($"A step needs the two global views at least; {views.Count} were given.", nameof(views));
        Groups groups = default;
        for (int start = 0; start < views.Count;)
        {
            CropView first = views[start];
            int end = start + 1;
            while (end < views.Count && views[end].Width == first.Width)
                end++;
            if (start == 0 && end < 2)
                throw new ArgumentException("The two global views must have the same size.", nameof(views));
            // The teacher sees the first two views only: global views of the size of local ones stay a group of their own.
            if (start == 0)
                end = 2;
            Tensor group = scope.Empty([(end - start) * batch, first.Pixels.Length / batch / (first.Height * first.Width), first.Height, first.Width]);
            for (int view = start; view < end; view++)
                Write(group.View, view - start, views[view], first, batch);
            groups.Add(group);
            start = end;
        }

        return groups;
    }

    private void Write(View group, int position, CropView view, CropView first, int batch)
    {
        if (view.Height != first.Height || view.Pixels.Length != first.Pixels.Length || view.Pixels.Length % batch != 0)
            throw new ShapeMismatchException($"Views of a group must agree: {view.Height}x{view.Width} with {view.Pixels.Length} values against {first.Height}x{first.Width} with {first.Pixels.Length}, batch {batch}.");
        View place = group.Slice((long)position * view.Pixels.Length, [view.Pixels.Length]);
        Device.Backend.Upload(MemoryMarshal.AsBytes(view.Pixels.Span), place);
    }

    /// <summary>Pictures [start, start + size) of a batch: their rows of every view.</summary>
    private static Groups Part(in Groups groups, int batch, int start, int size)
    {
        if (size == batch)
            return groups;
        Groups part = default;
        foreach (Tensor group in groups[..groups.Count])
            part.Add(group.Reshape(-1, batch, group.Shape[1], group.Shape[2], group.Shape[3]).Slice(1, start, start + size).Flatten(0, 1));
        return part;
    }

    /// <summary>Tensors of the resolutions, on the stack.</summary>
    private struct Groups
    {
        private GroupArray _tensors;

        public int Count { get; private set; }

        [UnscopedRef]
        public readonly ReadOnlySpan<Tensor> this[Range range] => ((ReadOnlySpan<Tensor>)_tensors)[range];

        public readonly Tensor this[int index] => _tensors[index];

        public void Add(Tensor tensor)
        {
            if (Count == GroupArray.Length)
                throw new ArgumentException($"A step takes views of at most {GroupArray.Length} runs of sizes; order them by size.");
            _tensors[Count++] = tensor;
        }
    }

    [InlineArray(Length)]
    private struct GroupArray
    {
        public const int Length = 8;
        private Tensor _first;
    }
}
