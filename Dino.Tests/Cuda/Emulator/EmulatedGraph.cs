namespace Dino.Tests.Cuda.Emulator;

/// <summary>A step of a graph.</summary>
internal abstract class EmulatedNode(EmulatedMachine machine) : EmulatedObject(machine)
{
    /// <summary>Runs it; an error of the driver, or 0.</summary>
    public abstract int Run();

    public abstract EmulatedNode Copy();

    public virtual void Release() => Handles.Remove(Handle);
}

internal sealed unsafe class KernelStep : EmulatedNode
{
    public KernelStep(EmulatedLaunch launch)
        : base(launch.Function.Machine) => Set(launch);

    public EmulatedLaunch Launch { get; } = new();

    public void Set(EmulatedLaunch launch) => Launch.Set(launch.Function, launch.Grid, launch.Threads, launch.SharedBytes, launch.Parameters);

    public override int Run() => Machine.Run(Launch);

    public override EmulatedNode Copy() => new KernelStep(Launch);

    public override void Release()
    {
        base.Release();
        Launch.Dispose();
    }
}

/// <summary>A copy; host memory is read and written when the graph runs.</summary>
internal sealed unsafe class CopyStep(EmulatedMachine machine, long target, long source, long bytes) : EmulatedNode(machine)
{
    /// <summary>Where it reads, and how much.</summary>
    public (long Address, long Bytes) Read => (source, bytes);

    public override int Run() => Machine.Copy(target, source, bytes);

    public override EmulatedNode Copy() => new CopyStep(Machine, target, source, bytes);
}

internal sealed unsafe class FillStep(EmulatedMachine machine, long target, uint pattern, int size, long count) : EmulatedNode(machine)
{
    public override int Run() => Machine.Fill(target, pattern, size, count);

    public override EmulatedNode Copy() => new FillStep(Machine, target, pattern, size, count);
}

/// <summary>Steps in the order in which they were queued.</summary>
internal sealed class EmulatedGraph(EmulatedMachine machine) : EmulatedObject(machine)
{
    public List<EmulatedNode> Nodes { get; } = [];

    public void Release()
    {
        foreach (EmulatedNode node in Nodes)
            node.Release();
        Handles.Remove(Handle);
    }
}

/// <summary>A graph ready to run, with its own copy of each step.</summary>
internal sealed class EmulatedGraphExecution : EmulatedObject
{
    private readonly EmulatedNode[] _steps;
    private readonly Dictionary<nint, EmulatedNode> _byNode = [];

    public EmulatedGraphExecution(EmulatedGraph graph)
        : base(graph.Machine)
    {
        _steps = [.. graph.Nodes.Select(node => node.Copy())];
        for (int n = 0; n < _steps.Length; n++)
            _byNode[graph.Nodes[n].Handle] = _steps[n];
    }

    /// <summary>The step made from a node of the graph.</summary>
    public EmulatedNode? StepOf(nint node) => _byNode.GetValueOrDefault(node);

    public int Run(EmulatedStream stream)
    {
        Machine.GraphLaunches++;
        foreach (EmulatedNode step in _steps)
        {
            int error = step.Run();
            if (step is CopyStep { Read: var read })
                stream.NoteRead(read.Address, read.Bytes);
            if (error != 0)
                return error;
        }

        return 0;
    }

    public void Release()
    {
        foreach (EmulatedNode step in _steps)
            step.Release();
        Handles.Remove(Handle);
    }
}
