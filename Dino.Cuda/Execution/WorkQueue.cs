using Dino.Cuda.Native;

namespace Dino.Cuda.Execution;

/// <summary>
/// Where the calls of a backend go: to the stream; into a record of repeated work that is being made; or nowhere, because the record that is replayed
/// has them already.
/// </summary>
/// <param name="context">The context of the device.</param>
/// <param name="isSynchronous">Whether to wait after every launch, so that an error names the kernel that made it. Nothing is recorded then.</param>
internal sealed unsafe class WorkQueue(CudaContext context, bool isSynchronous)
{
    private RecordedWork? _work;
    private bool _isRecording;
    private int _ownerThread;
    private int _segment;
    private int _position;
    private long _launched;
    private long _completed;

    /// <summary>How often the device has been waited for: what was queued before the last time is done.</summary>
    public long Waits { get; private set; }

    private Segment Current => _work!.Segments[_segment];

    /// <summary>Queues a kernel. Its arguments are taken before this returns.</summary>
    public void Launch(Kernel kernel, in LaunchShape shape, ReadOnlySpan<byte> arguments)
    {
        RecordedCall call = new(CallKind.Launch, kernel, shape, 0, 0, arguments.Length);
        if (IsReplayed(call))
        {
            Current.Update(_position++, arguments);
            return;
        }

        context.MakeCurrent();
        fixed (byte* memory = arguments)
            call.Queue(context, (nint)memory);
        if (_isRecording)
            Current.AddLaunch(call, arguments);
        else if (isSynchronous)
            context.Driver.Check(context.Driver.cuStreamSynchronize(context.Stream), $"driver.cuLaunchKernel({kernel.Name}, {shape})");
    }

    /// <summary>Queues a copy from device memory to device memory.</summary>
    public void Copy(nint source, nint target, long bytes)
    {
        RecordedCall call = new(CallKind.Copy, null, default, source, target, bytes);
        if (bytes == 0)
            return;
        if (IsReplayed(call))
        {
            _position++;
            return;
        }

        context.MakeCurrent();
        call.Queue(context, 0);
        if (_isRecording)
            Current.Add(call);
    }

    /// <summary>Queues a product by a library.</summary>
    public void Multiply(in LibraryProduct product)
    {
        RecordedCall call = new(CallKind.Product, null, default, 0, 0, 0, product);
        if (IsReplayed(call))
        {
            _position++;
            return;
        }

        context.MakeCurrent();
        call.Queue(context, 0);
        if (_isRecording)
            Current.Add(call);
        else if (isSynchronous)
            context.Driver.Check(context.Driver.cuStreamSynchronize(context.Stream), "driver.cublasLtMatmul");
    }

    /// <summary>Copies from host memory, which the caller may change as soon as this returns: outside a turn of repeated work after all that was queued before.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint target)
    {
        RecordedCall call = new(CallKind.Upload, null, default, 0, target, source.Length);
        if (source.IsEmpty)
            return;
        if (IsReplayed(call))
        {
            if (Current.LastLaunch > _completed)
                Wait();
            context.MakeCurrent();
            Current.Upload(_position++, source);
            return;
        }

        context.MakeCurrent();
        if (_isRecording)
        {
            Current.AddUpload(call, source);
            return;
        }

        // The driver promises nowhere to be done with pageable memory when the call returns.
        fixed (byte* bytes = source)
        {
            call.Queue(context, (nint)bytes);
            Wait();
        }
    }

    /// <summary>Queues a copy from page-locked memory, which must not change before the device has been waited for.</summary>
    /// <exception cref="InvalidOperationException">A turn of repeated work is open, which would copy again from memory that others write to.</exception>
    public void UploadLocked(ReadOnlySpan<byte> source, nint target)
    {
        if (_work is not null)
            throw new InvalidOperationException("Pictures are uploaded while a turn of repeated work is open on the device. Make their views before the turn.");
        if (source.IsEmpty)
            return;
        context.MakeCurrent();
        fixed (byte* bytes = source)
            new RecordedCall(CallKind.Upload, null, default, 0, target, source.Length).Queue(context, (nint)bytes);
    }

    /// <summary>Copies device memory to the host after all work queued before.</summary>
    public void Download(nint source, Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        EndSegment();
        context.MakeCurrent();
        fixed (byte* bytes = destination)
        {
            context.Driver.Check(context.Driver.cuMemcpyDtoHAsync(bytes, source, (nuint)destination.Length, context.Stream));
            Wait();
        }

        BeginSegment();
    }

    /// <summary>Waits for all queued work.</summary>
    public void Synchronize()
    {
        EndSegment();
        Wait();
        BeginSegment();
    }

    /// <summary>Begins a turn of repeated work.</summary>
    public void Begin(RecordedWork work)
    {
        if (_work is not null)
            throw new InvalidOperationException("A turn of repeated work is open on this device already.");
        work.Turns++;
        if (isSynchronous || work.Turns == 1 || work.IsUnstable)
            return;
        _ownerThread = Environment.CurrentManagedThreadId;
        (_work, _isRecording, _segment) = (work, work.Segments.Count == 0, -1);
        BeginSegment();
    }

    /// <summary>Ends the turn.</summary>
    public void End()
    {
        if (_work is not { } work)
            return;
        try
        {
            EndSegment();
            // A record with segments to come is that of other work.
            if (_work is null || _isRecording || _segment == work.Segments.Count - 1)
                return;
            Wait();
            work.Forget();
        }
        catch (CudaException)
        {
            work.Forget();
            throw;
        }
        finally
        {
            (_work, _isRecording) = (null, false);
        }
    }

    /// <summary>Waits for all queued work before something is freed; false if the device has failed, and its memory is lost anyway.</summary>
    /// <remarks>Who frees is often on the way out from that failure, which has to stay the one that is seen. Who goes on meets it again at the next call.</remarks>
    public bool TrySynchronize()
    {
        try
        {
            Synchronize();
            return true;
        }
        catch (CudaException) when (context.HasFailed())
        {
            return false;
        }
    }

    /// <summary>Frees device memory after all work queued before.</summary>
    public void Free(nint address)
    {
        if (TrySynchronize())
            context.Driver.Check(context.Driver.cuMemFree(address));
    }

    /// <summary>Whether the record that is replayed has this call next; if it has another one, it is given up.</summary>
    private bool IsReplayed(in RecordedCall call)
    {
        if (_work is null)
            return false;
        if (Environment.CurrentManagedThreadId != _ownerThread)
            throw new InvalidOperationException("Another thread uses the device while a turn of repeated work is open on it. Give it a device of its own, or wait for the end of the step.");
        if (_isRecording)
            return false;
        if (Current.Matches(_position, call))
            return true;
        GiveUp();
        return false;
    }

    /// <summary>This turn is not like the recorded one: what it has in common with it so far is done now, the rest call by call.</summary>
    private void GiveUp()
    {
        RecordedWork work = _work!;
        _work = null;
        context.MakeCurrent();
        work.Segments[_segment].LaunchEach(_position);
        Wait();
        work.Forget();
    }

    private void BeginSegment()
    {
        if (_work is not { } work)
            return;
        context.MakeCurrent();
        (_segment, _position) = (_segment + 1, 0);
        if (_isRecording)
        {
            work.Segments.Add(new Segment(context));
            context.Driver.Check(context.Driver.cuStreamBeginCapture(context.Stream, CaptureMode.Relaxed));
        }
        else if (_segment == work.Segments.Count)
        {
            _work = null;
            work.Forget();
        }
    }

    private void EndSegment()
    {
        if (_work is null)
            return;
        context.MakeCurrent();
        if (_isRecording)
        {
            nint graph;
            context.Driver.Check(context.Driver.cuStreamEndCapture(context.Stream, &graph));
            Current.Complete(graph);
        }
        else if (_position != Current.Count)
        {
            GiveUp();
            return;
        }

        if (Current.Count > 0)
            Current.Launch(++_launched);
    }

    private void Wait()
    {
        context.Synchronize();
        _completed = _launched;
        Waits++;
    }
}
