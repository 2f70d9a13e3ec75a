using System.Runtime.ExceptionServices;
using Dino.Imaging;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Data;

/// <summary>
/// Makes batches of views ahead of their use, on threads of its own. The batches depend on folder, transform, seed, epoch and
/// batch number only - not on the number of workers, nor on where the run started - so a resumed run goes on bit for bit.
/// A warm loader allocates nothing on the calling thread. One consumer at a time.
/// </summary>
/// <remarks>
/// A file that cannot be decoded is replaced by the next usable one in the order of the folder (keeping the random stream of the
/// picture it stands in for), reported once through <see cref="BatchLoaderOptions.OnSkipped"/> and listed in <see cref="Skipped"/>.
/// </remarks>
public sealed class BatchLoader : IDisposable
{
    private readonly object _gate = new();
    private readonly ImageFolder _folder;
    private readonly ISampleTransform _transform;
    private readonly MultiCropAugmentation? _decisions;
    private readonly BatchLoaderOptions _options;
    private readonly PictureStore _pictures;
    private readonly EpochOrder _order;
    private readonly Slot[] _slots;
    private readonly Thread[] _workers;

    // Batches are numbered through all epochs: epoch · BatchesPerEpoch + index. All below is guarded by _gate.
    private long _open;       // next batch of which work is handed out
    private int _openRow;     // next row of it
    private long _taken;      // next batch for the consumer
    private long _released;   // batches before this one may be overwritten
    private long _end;        // no batches from here on
    private int _busy;        // rows being filled
    private bool _started;
    private bool _disposed;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Prepares buffers and workers; <see cref="Start"/> sets them to work.</summary>
    /// <param name="folder">The pictures.</param>
    /// <param name="transform">Makes the views.</param>
    /// <param name="options">Batch size, order and prefetching.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the folder does not fill one batch.</exception>
    public BatchLoader(ImageFolder folder, ISampleTransform transform, BatchLoaderOptions options)
        : this(folder, transform, options, null, null)
    {
    }

    /// <summary>A loader that leaves the views to a device: batches hold decoded pictures and the decisions about their views.</summary>
    /// <inheritdoc cref="BatchLoader(ImageFolder, ISampleTransform, BatchLoaderOptions)"/>
    internal BatchLoader(ImageFolder folder, MultiCropAugmentation views, BatchLoaderOptions options, Augmentation augmentation)
        : this(folder, views, options, views, augmentation)
    {
    }

    private BatchLoader(ImageFolder folder, ISampleTransform transform, BatchLoaderOptions options, MultiCropAugmentation? decisions, Augmentation? augmentation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.DropLast && folder.Count < options.BatchSize)
            throw new ArgumentException($"A batch takes {options.BatchSize} pictures, '{folder.Path}' holds {folder.Count}. Use a batch size of at most {folder.Count}, or set DropLast to false.", nameof(options));
        (_folder, _transform, _options, _decisions) = (folder, transform, options, decisions);
        BatchesPerEpoch = options.DropLast ? folder.Count / options.BatchSize : (int)(((long)folder.Count + options.BatchSize - 1) / options.BatchSize);
        _pictures = new PictureStore(folder, options.CacheBytes, options.OnSkipped);
        _order = new EpochOrder(folder.Count, options.Seed, options.Shuffle);
        int batch = Math.Min(options.BatchSize, folder.Count);
        int slots = options.Prefetch + 1;
        PictureBatch? Pictures() => augmentation is null ? null : new PictureBatch(augmentation, decisions!, batch, Math.Min(PictureSlab.LargestBytes, options.PageLockedBytes / slots));
        _slots = [.. Enumerable.Range(0, slots).Select(_ => new Slot(new SampleBatch(batch, transform.ViewSizes, transform.Channels, Pictures()), batch))];
        _workers = [.. Enumerable.Range(0, options.EffectiveWorkers).Select(i => new Thread(Work) { IsBackground = true, Name = $"Dino batch loader {i}" })];
        foreach (Thread worker in _workers)
            worker.Start();
    }

    /// <summary>Batches in one epoch.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>Side of each view in pixels.</summary>
    public IReadOnlyList<int> ViewSizes => _transform.ViewSizes;

    /// <summary>Files found unusable so far, each once.</summary>
    public IReadOnlyCollection<SkippedPicture> Skipped => _pictures.Skipped;

    /// <summary>Starts, or starts anew, at any batch of any epoch. Batches of later epochs follow without a pause.</summary>
    /// <param name="epoch">The first epoch, from 0.</param>
    /// <param name="batch">The first batch in it, from 0; <see cref="BatchesPerEpoch"/> stands for the start of the next epoch.</param>
    /// <param name="endEpoch">The epoch before which to stop.</param>
    public void Start(int epoch = 0, int batch = 0, int endEpoch = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch, BatchesPerEpoch);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // Rows in work still write to the buffers: hand out no more and let them finish.
            _end = 0;
            while (_busy > 0)
                Monitor.Wait(_gate);
            _failure = null;
            _open = _taken = _released = ((long)epoch * BatchesPerEpoch) + batch;
            _openRow = 0;
            foreach (Slot slot in _slots)
                slot.Number = -1;
            _end = Math.Max(_open, (long)endEpoch * BatchesPerEpoch);
            _started = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for the next batch and takes back the one before.</summary>
    /// <returns>The batch, valid until the next call; null when the last epoch is over.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the same batch can still be asked for.</exception>
    /// <exception cref="InvalidDataException">No picture of the folder can be decoded.</exception>
    /// <exception cref="InvalidOperationException">Not started.</exception>
    public SampleBatch? Next(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_started)
                throw new InvalidOperationException("Call Start before Next.");
            if (_released < _taken)
            {
                _released = _taken;
                Monitor.PulseAll(_gate);
            }

            if (_taken >= _end)
                return null;
            Slot slot = _slots[_taken % _slots.Length];
            while (slot.Number != _taken || slot.Missing > 0)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                // Who asks to stop is not told of a failure in what is no longer wanted.
                cancellationToken.ThrowIfCancellationRequested();
                _failure?.Throw();
                // A token cannot pulse a monitor without allocating; looking at it now and then costs nothing.
                Monitor.Wait(_gate, 20);
            }

            _taken++;
            return slot.Batch;
        }
    }

    /// <summary>Stops the workers and waits for them.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread worker in _workers)
            worker.Join();
        foreach (Slot slot in _slots)
            slot.Batch.Pictures?.Dispose();
    }

    private void Work()
    {
        ISampleWriter? writer = null;
        ViewRecipe[] recipes = new ViewRecipe[_decisions is null ? 0 : ViewSizes.Count];
        while (Claim(out Slot? slot, out int row))
        {
            ExceptionDispatchInfo? failure = null;
            try
            {
                writer ??= _transform.CreateWriter();
                Fill(writer, recipes, slot!, row);
            }
            catch (Exception error)
            {
                // Whatever it is, it belongs to the consumer: an exception here would end the process.
                failure = ExceptionDispatchInfo.Capture(error);
            }

            lock (_gate)
            {
                _busy--;
                _failure ??= failure;
                // After a failure the batch stays incomplete, so nobody ever sees a half-filled one.
                if (failure is null)
                    slot!.Missing--;
                if (slot!.Missing == 0 || _busy == 0 || failure is not null)
                    Monitor.PulseAll(_gate);
            }
        }
    }

    private bool Claim(out Slot? slot, out int row)
    {
        lock (_gate)
        {
            while (!_disposed && (_failure is not null || _open >= _end || _open >= _released + _slots.Length))
                Monitor.Wait(_gate);
            (slot, row) = (null, 0);
            if (_disposed)
                return false;
            slot = _slots[_open % _slots.Length];
            if (_openRow == 0)
                Open(slot, _open);
            row = _openRow++;
            _busy++;
            if (_openRow == slot.Batch.Count)
                (_open, _openRow) = (_open + 1, 0);
            return true;
        }
    }

    private void Open(Slot slot, long number)
    {
        (int epoch, int index) = ((int)(number / BatchesPerEpoch), (int)(number % BatchesPerEpoch));
        ReadOnlySpan<int> order = _order.Of(epoch);
        int first = index * _options.BatchSize, count = Math.Min(_options.BatchSize, order.Length - first);
        order.Slice(first, count).CopyTo(slot.Order);
        (slot.Number, slot.Missing) = (number, count);
        (slot.Batch.Epoch, slot.Batch.Index, slot.Batch.Count) = (epoch, index, count);
        slot.Batch.Pictures?.Clear(count);
    }

    private void Fill(ISampleWriter writer, ViewRecipe[] recipes, Slot slot, int row)
    {
        int planned = slot.Order[row];
        (Image image, int sample) = _pictures.Read(planned);
        slot.Batch.SetSource(row, sample, _folder.Samples[sample].Class);
        for (int view = 0; view < ViewSizes.Count; view++)
        {
            CounterRandom random = new(new RandomKey(_options.Seed, (uint)slot.Batch.Epoch, (uint)planned, (uint)view));
            if (slot.Batch.Pictures is null)
                writer.Write(image, view, random, slot.Batch.Destination(view, row));
            else
                recipes[view] = _decisions!.Decide(image.Width, image.Height, view, random);
        }

        slot.Batch.Pictures?.Add(row, image, recipes);
    }

    /// <summary>One set of buffers in the ring; guarded by the gate except for the rows being filled.</summary>
    private sealed class Slot(SampleBatch batch, int size)
    {
        public SampleBatch Batch { get; } = batch;

        /// <summary>Planned picture of each row.</summary>
        public int[] Order { get; } = new int[size];

        /// <summary>The batch that lies in here, -1 for none.</summary>
        public long Number { get; set; } = -1;

        /// <summary>Rows not yet filled.</summary>
        public int Missing { get; set; }
    }
}
