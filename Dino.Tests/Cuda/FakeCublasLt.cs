using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>
/// cuBLASLt in managed code behind real function pointers: column-major products on the memory of an emulated machine, as the library documents them. What it
/// would have refused, or read outside of allocations, fails.
/// </summary>
internal sealed unsafe partial class FakeCublasLt
{
    private const int Success = 0, InvalidValue = 7, NotSupported = 15;

    private static readonly ConcurrentDictionary<nint, object> s_objects = new();
    private static long s_last = 0x100;

    [ThreadStatic]
    private static FakeCublasLt? s_current;

    private static readonly byte[] s_name = "CUBLAS_STATUS\0"u8.ToArray(), s_text = "it was told to\0"u8.ToArray();
    private static readonly GCHandle s_pinnedName = GCHandle.Alloc(s_name, GCHandleType.Pinned), s_pinnedText = GCHandle.Alloc(s_text, GCHandleType.Pinned);

    /// <summary>Entry points that the library lacks.</summary>
    public List<string> Absent { get; } = [];

    /// <summary>Whether it refuses to start.</summary>
    public bool IsBroken { get; init; }

    /// <summary>Whether it has an algorithm for a product with so many rows of y, as it counts them.</summary>
    public Func<ulong, bool> Supports { get; init; } = _ => true;

    /// <summary>What it answers where it has none.</summary>
    public int Refusal { get; init; } = NotSupported;

    /// <summary>Products multiplied or recorded.</summary>
    public int Calls { get; private set; }

    /// <summary>Choices of an algorithm.</summary>
    public int Choices { get; private set; }

    /// <summary>Whether the operands of the last product were BF16.</summary>
    public bool AreOperandsHalf { get; private set; }

    /// <summary>The kind of arithmetic asked for last.</summary>
    public int Compute { get; private set; }

    /// <summary>Descriptions, layouts and preferences that were not destroyed, and handles.</summary>
    public int Open { get; private set; }

    public nint Export(string name)
    {
        s_current = this;
        return Absent.Contains(name) ? 0 : name switch
        {
            "cublasLtCreate" => (nint)(delegate* unmanaged<nint*, int>)&Create,
            "cublasLtDestroy" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
            "cublasLtGetStatusName" => (nint)(delegate* unmanaged<int, byte*>)&StatusName,
            "cublasLtGetStatusString" => (nint)(delegate* unmanaged<int, byte*>)&StatusString,
            "cublasLtMatmulDescCreate" => (nint)(delegate* unmanaged<nint*, int, int, int>)&DescriptionCreate,
            "cublasLtMatmulDescDestroy" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
            "cublasLtMatmulDescSetAttribute" => (nint)(delegate* unmanaged<nint, int, void*, nuint, int>)&DescriptionSet,
            "cublasLtMatrixLayoutCreate" => (nint)(delegate* unmanaged<nint*, int, ulong, ulong, long, int>)&LayoutCreate,
            "cublasLtMatrixLayoutDestroy" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
            "cublasLtMatrixLayoutSetAttribute" => (nint)(delegate* unmanaged<nint, int, void*, nuint, int>)&LayoutSet,
            "cublasLtMatmulPreferenceCreate" => (nint)(delegate* unmanaged<nint*, int>)&PreferenceCreate,
            "cublasLtMatmulPreferenceDestroy" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
            "cublasLtMatmulPreferenceSetAttribute" => (nint)(delegate* unmanaged<nint, int, void*, nuint, int>)&PreferenceSet,
            "cublasLtMatmulAlgoGetHeuristic" => (nint)(delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint, int, MatmulHeuristic*, int*, int>)&Choose,
            "cublasLtMatmul" => (nint)(delegate* unmanaged<nint, nint, float*, long, nint, long, nint, float*, long, nint, long, nint, MatmulAlgorithm*, long, nuint, nint, int>)&Multiply,
            _ => 0,
        };
    }

    private static nint Add(FakeCublasLt library, object item)
    {
        nint handle = (nint)Interlocked.Add(ref s_last, 8);
        s_objects[handle] = item;
        library.Open++;
        return handle;
    }

    private static T? Find<T>(nint handle)
        where T : class => s_objects.TryGetValue(handle, out object? item) ? item as T : null;

    [UnmanagedCallersOnly]
    private static int Create(nint* handle)
    {
        if (s_current!.IsBroken)
            return 1;
        *handle = Add(s_current, s_current);
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint handle)
    {
        if (!s_objects.TryRemove(handle, out object? item))
            return InvalidValue;
        FakeCublasLt library = item as FakeCublasLt ?? ((Part)item).Library;
        library.Open--;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static byte* StatusName(int status) => (byte*)s_pinnedName.AddrOfPinnedObject();

    [UnmanagedCallersOnly]
    private static byte* StatusString(int status) => (byte*)s_pinnedText.AddrOfPinnedObject();

    [UnmanagedCallersOnly]
    private static int DescriptionCreate(nint* handle, int compute, int scale)
    {
        FakeCublasLt library = s_current!;
        if (compute is not (68 or 77) || scale != 0)
            return InvalidValue;
        library.Compute = compute;
        *handle = Add(library, new Description(library));
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int DescriptionSet(nint handle, int attribute, void* value, nuint size)
    {
        if (Find<Description>(handle) is not { } description || size != (nuint)(attribute == 8 ? 8 : 4))
            return InvalidValue;
        switch (attribute)
        {
            case 3:
                description.TransposeA = *(int*)value == 1;
                return Success;
            case 4:
                description.TransposeB = *(int*)value == 1;
                return Success;
            case 7:
                description.HasBias = *(int*)value == 4;
                return *(int*)value is 1 or 4 ? Success : NotSupported;
            case 8:
                description.Bias = *(long*)value;
                return Success;
            default:
                return InvalidValue;
        }
    }

    [UnmanagedCallersOnly]
    private static int LayoutCreate(nint* handle, int type, ulong rows, ulong columns, long leading)
    {
        if (type is not (0 or 14) || leading < (long)rows || rows == 0 || columns == 0)
            return InvalidValue;
        *handle = Add(s_current!, new Layout(s_current!, type == 14, (long)rows, (long)columns, leading));
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int LayoutSet(nint handle, int attribute, void* value, nuint size)
    {
        if (Find<Layout>(handle) is not { } layout || size != (nuint)(attribute == 5 ? 4 : 8))
            return InvalidValue;
        if (attribute == 5)
            layout.Batch = *(int*)value;
        else if (attribute == 6)
            layout.BatchStride = *(long*)value;
        else
            return InvalidValue;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int PreferenceCreate(nint* handle)
    {
        *handle = Add(s_current!, new Preference(s_current!));
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int PreferenceSet(nint handle, int attribute, void* value, nuint size)
    {
        if (Find<Preference>(handle) is not { } preference || size != (nuint)(attribute == 1 ? 8 : 4))
            return InvalidValue;
        if (attribute == 1)
            preference.Workspace = *(long*)value;
        else if (attribute is >= 5 and <= 8)
            preference.Alignments[attribute - 5] = *(int*)value;
        else
            return InvalidValue;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int Choose(nint library, nint description, nint a, nint b, nint c, nint d, nint preference, int wanted, MatmulHeuristic* results, int* count)
    {
        FakeCublasLt own = Find<FakeCublasLt>(library)!;
        own.Choices++;
        *count = 0;
        if (Find<Description>(description) is not { } kind || Find<Layout>(a) is null || Find<Layout>(b) is null || Find<Layout>(d) is not { } result || c != d || wanted < 1)
            return InvalidValue;
        if (!own.Supports((ulong)result.Columns) || (kind.HasBias && kind.Bias == 0))
            return own.Refusal;
        Preference asked = Find<Preference>(preference)!;
        *results = default;
        results->WorkspaceBytes = (nuint)asked.Workspace;
        // What was asked for goes with the algorithm, to be held against the addresses it gets.
        for (int i = 0; i < 4; i++)
            results->Algorithm[i] = (ulong)asked.Alignments[i];
        results->Algorithm[4] = (ulong)description;
        *count = 1;
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int Multiply(
        nint handle, nint description, float* alpha, long a, nint layoutA, long b, nint layoutB, float* beta, long c, nint layoutC, long d, nint layoutD, MatmulAlgorithm* algorithm,
        long workspace, nuint workspaceBytes, nint stream)
    {
        if (Find<FakeCublasLt>(handle) is not { } library || Find<Description>(description) is not { } kind || Handles.Find<EmulatedStream>(stream) is not { } queue)
            return InvalidValue;
        if ((*algorithm)[4] != (ulong)description || queue.Machine.Memory.Host(workspace, (long)workspaceBytes) == null)
            return InvalidValue;
        ReadOnlySpan<long> addresses = [a, b, c, d];
        for (int i = 0; i < 4; i++)
        {
            if (addresses[i] % (long)(*algorithm)[i] != 0)
                return InvalidValue;
        }

        // The combinations of types that it documents: operands of one type; BF16 is not multiplied "fast".
        if (Find<Layout>(layoutA)!.IsHalf != Find<Layout>(layoutB)!.IsHalf || (Find<Layout>(layoutD)!.IsHalf && !Find<Layout>(layoutA)!.IsHalf) || (Find<Layout>(layoutA)!.IsHalf && library.Compute != 68))
            return NotSupported;
        library.AreOperandsHalf = Find<Layout>(layoutA)!.IsHalf;
        library.Calls++;
        Product product = new(
            queue.Machine, kind.TransposeA, kind.TransposeB, kind.HasBias ? kind.Bias : 0, *alpha, *beta, a, b, c, d,
            Find<Layout>(layoutA)!, Find<Layout>(layoutB)!, Find<Layout>(layoutC)!, Find<Layout>(layoutD)!);
        if (queue.Capture is not { } graph)
            return queue.Finish() == 0 ? product.Run() : InvalidValue;
        // As kernels that multiply parts and add them: more than one step.
        graph.Nodes.Add(new FillStep(queue.Machine, workspace, 0, 4, 1));
        graph.Nodes.Add(new ProductStep(queue.Machine, product));
        return Success;
    }
}
