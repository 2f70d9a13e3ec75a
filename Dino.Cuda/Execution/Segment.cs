using System.Runtime.InteropServices;
using Dino.Cuda.Native;

namespace Dino.Cuda.Execution;

/// <summary>A stretch of recorded work between two moments at which the host waits: the calls, and the graph that does them all.</summary>
internal sealed unsafe class Segment(CudaContext context) : IDisposable
{
    private readonly List<Entry> _entries = [];
    private bool _isUploading;
    private nint _graph;
    private nint _executable;

    /// <param name="Call">The call.</param>
    /// <param name="Node">Its node in the graph.</param>
    /// <param name="Memory">Arguments of a kernel, or page-locked memory from which an upload reads.</param>
    /// <param name="Staging">Device memory to which an upload is brought while earlier work is under way; the graph copies from there to where it belongs.</param>
    private readonly record struct Entry(RecordedCall Call, nint Node, nint Memory, nint Staging);

    /// <summary>Number of calls.</summary>
    public int Count => _entries.Count;

    /// <summary>Number of the last launch of the graph, to know when the memory of uploads may be written again.</summary>
    public long LastLaunch { get; private set; }

    /// <summary>Appends a launch that has just been captured.</summary>
    public void AddLaunch(in RecordedCall call, ReadOnlySpan<byte> arguments)
    {
        nint memory = (nint)NativeMemory.Alloc((nuint)arguments.Length);
        arguments.CopyTo(new Span<byte>((void*)memory, arguments.Length));
        Add(call, memory);
    }

    /// <summary>Begins an upload, and captures and appends what the graph does of it: a copy inside device memory.</summary>
    public void AddUpload(in RecordedCall call, ReadOnlySpan<byte> bytes)
    {
        void* memory;
        context.Driver.Check(context.Driver.cuMemAllocHost(&memory, (nuint)bytes.Length), $"driver.cuMemAllocHost({bytes.Length})");
        nint staging = context.Allocate(bytes.Length);
        context.Driver.Check(context.Driver.cuMemcpyDtoDAsync(call.Target, staging, (nuint)bytes.Length, context.Stream));
        Add(call, (nint)memory, staging);
        Upload(Count - 1, bytes);
    }

    /// <summary>Appends a call that has just been captured.</summary>
    public void Add(in RecordedCall call, nint memory = 0, nint staging = 0)
    {
        CaptureStatus status;
        ulong id;
        nint graph;
        nint* last;
        nuint count;
        context.Driver.Check(context.Driver.cuStreamGetCaptureInfo(context.Stream, &status, &id, &graph, &last, &count));
        if (status != CaptureStatus.Active || count != 1)
            throw new InvalidOperationException($"A capture of one stream ends in {count} nodes and is {status}.");
        _entries.Add(new Entry(call, last[0], memory, staging));
    }

    /// <summary>Makes the graph.</summary>
    public void Complete(nint graph)
    {
        _graph = graph;
        if (Count == 0)
            return;
        nint executable;
        context.Driver.Check(context.Driver.cuGraphInstantiateWithFlags(&executable, graph, 0));
        _executable = executable;
    }

    /// <summary>Whether a call is the one recorded at a position.</summary>
    public bool Matches(int position, in RecordedCall call) => position < _entries.Count && _entries[position].Call == call;

    /// <summary>Gives a launch other arguments if they have changed.</summary>
    public void Update(int position, ReadOnlySpan<byte> arguments)
    {
        Entry entry = _entries[position];
        Span<byte> known = new((void*)entry.Memory, arguments.Length);
        if (arguments.SequenceEqual(known))
            return;
        arguments.CopyTo(known);
        nuint size = (nuint)arguments.Length;
        nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, entry.Memory, LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
        LaunchShape shape = entry.Call.Shape;
        KernelNode node = new()
        {
            Function = entry.Call.Kernel!.Function,
            GridX = shape.GridX, GridY = shape.GridY, GridZ = shape.GridZ,
            BlockX = shape.Threads, BlockY = 1, BlockZ = 1,
            SharedBytes = shape.SharedBytes,
            Extra = (void**)extra,
        };
        CudaResult result = context.Driver.cuGraphExecKernelNodeSetParams(_executable, entry.Node, &node);
        if (result != CudaResult.Success)
            context.Driver.Check(result, $"driver.cuGraphExecKernelNodeSetParams({entry.Call.Kernel.Name})");
    }

    /// <summary>Brings the bytes of an upload to the device. The graph must not be running; other work may be.</summary>
    public void Upload(int position, ReadOnlySpan<byte> bytes)
    {
        Entry entry = _entries[position];
        bytes.CopyTo(new Span<byte>((void*)entry.Memory, bytes.Length));
        context.Driver.Check(context.Driver.cuMemcpyHtoDAsync(entry.Staging, (void*)entry.Memory, (nuint)bytes.Length, context.UploadStream));
        _isUploading = true;
    }

    /// <summary>Queues all calls at once.</summary>
    public void Launch(long number)
    {
        LastLaunch = number;
        AwaitUploads();
        context.Driver.Check(context.Driver.cuGraphLaunch(_executable, context.Stream));
    }

    /// <summary>Queues the first calls one by one, with the arguments they have now.</summary>
    public void LaunchEach(int count)
    {
        AwaitUploads();
        for (int i = 0; i < count; i++)
            _entries[i].Call.Queue(context, _entries[i].Memory);
    }

    /// <summary>Frees the graph and the memory of calls; the device must not be at them.</summary>
    public void Dispose()
    {
        if (_executable != 0)
            context.Driver.cuGraphExecDestroy(_executable);
        if (_graph != 0)
            context.Driver.cuGraphDestroy(_graph);
        foreach (Entry entry in _entries)
        {
            if (entry.Call.Kind == CallKind.Upload)
            {
                context.Driver.cuMemFreeHost((void*)entry.Memory);
                context.Driver.cuMemFree(entry.Staging);
            }
            else
                NativeMemory.Free((void*)entry.Memory);
        }

        _entries.Clear();
        (_graph, _executable) = (0, 0);
    }

    private void AwaitUploads()
    {
        if (_isUploading)
            context.AwaitUploads();
        _isUploading = false;
    }
}
