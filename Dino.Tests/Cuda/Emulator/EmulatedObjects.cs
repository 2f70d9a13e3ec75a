using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>What the driver hands out as handles. All machines draw from the same numbers: a handle of one is nothing to another.</summary>
internal static class Handles
{
    private static readonly ConcurrentDictionary<nint, EmulatedObject> s_objects = new();
    private static long s_last = 0x4000;

    public static nint Add(EmulatedObject item)
    {
        nint handle = (nint)Interlocked.Add(ref s_last, 16);
        s_objects[handle] = item;
        return handle;
    }

    public static T? Find<T>(nint handle)
        where T : EmulatedObject => s_objects.TryGetValue(handle, out EmulatedObject? item) ? item as T : null;

    public static void Remove(nint handle) => s_objects.TryRemove(handle, out _);
}

/// <summary>Something with a handle.</summary>
internal abstract class EmulatedObject
{
    protected EmulatedObject(EmulatedMachine machine)
    {
        Machine = machine;
        Handle = Handles.Add(this);
    }

    public EmulatedMachine Machine { get; }

    public nint Handle { get; }
}

internal sealed class EmulatedContext(EmulatedMachine machine) : EmulatedObject(machine);

/// <summary>Loaded PTX: its programs, and the memory of its variables.</summary>
internal sealed unsafe class EmulatedModule : EmulatedObject
{
    private readonly Dictionary<string, long> _addresses = [];

    public EmulatedModule(EmulatedMachine machine, KernelLibrary library)
        : base(machine)
    {
        foreach (PtxVariable variable in library.Variables.Where(variable => variable.Space is PtxSpace.Global or PtxSpace.Constant))
        {
            long address = machine.Memory.Allocate(Math.Max(variable.Bytes, 1));
            _addresses[variable.Name] = address;
            // Without initialiser they are zero, as the language says.
            Span<byte> bytes = new(machine.Memory.Host(address, variable.Bytes), variable.Bytes);
            bytes.Clear();
            variable.Data?.CopyTo(bytes);
        }

        foreach (KernelProgram program in library.Programs)
            Functions[program.Name] = new EmulatedFunction(this, program);
    }

    public Dictionary<string, EmulatedFunction> Functions { get; } = [];

    public long Address(PtxVariable variable) => _addresses[variable.Name];

    public void Unload()
    {
        foreach (long address in _addresses.Values)
            Machine.Memory.Free(address);
        foreach (EmulatedFunction function in Functions.Values)
            Handles.Remove(function.Handle);
    }
}

internal sealed class EmulatedFunction(EmulatedModule module, KernelProgram program) : EmulatedObject(module.Machine)
{
    /// <summary>Dynamic shared memory that a kernel has without asking for more.</summary>
    public const int DefaultSharedBytes = 48 << 10;

    public EmulatedModule Module { get; } = module;

    public KernelProgram Program { get; } = program;

    public int MaxDynamicSharedBytes { get; set; } = Math.Max(0, DefaultSharedBytes - program.StaticSharedBytes);
}

/// <summary>A launch with its own copy of the parameters.</summary>
internal sealed unsafe class EmulatedLaunch : IDisposable
{
    private int _capacity;

    public EmulatedFunction Function { get; private set; } = null!;

    public (uint X, uint Y, uint Z) Grid { get; private set; }

    public (uint X, uint Y, uint Z) Threads { get; private set; }

    public int SharedBytes { get; private set; }

    public byte* Parameters { get; private set; }

    public void Set(EmulatedFunction function, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) threads, int sharedBytes, byte* parameters)
    {
        (Function, Grid, Threads, SharedBytes) = (function, grid, threads, sharedBytes);
        int bytes = function.Program.ParameterBytes;
        if (_capacity < bytes)
        {
            Parameters = (byte*)NativeMemory.Realloc(Parameters, (nuint)bytes);
            _capacity = bytes;
        }

        Buffer.MemoryCopy(parameters, Parameters, _capacity, bytes);
    }

    public void Dispose()
    {
        NativeMemory.Free(Parameters);
        Parameters = null;
        _capacity = 0;
    }
}

/// <summary>Decoded PTX. The same text is decoded once, for all machines.</summary>
internal sealed class KernelLibrary
{
    private static readonly ConcurrentDictionary<string, Lazy<KernelLibrary>> s_known = new();

    /// <summary>Decodes PTX.</summary>
    /// <exception cref="PtxException">It is wrong.</exception>
    public KernelLibrary(string text)
    {
        PtxModule module = PtxParser.Parse(text);
        Variables = module.Variables;
        Programs = [.. module.Kernels.Select(kernel => PtxAssembler.Assemble(module, kernel))];
    }

    public List<PtxVariable> Variables { get; }

    public KernelProgram[] Programs { get; }

    /// <summary>PTX that may have been decoded before.</summary>
    public static KernelLibrary Of(string text) => s_known.GetOrAdd(text, key => new(() => new(key))).Value;
}
