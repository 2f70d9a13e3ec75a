using System.Runtime.InteropServices;
using System.Text;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda.Emulator;

internal static unsafe partial class EmulatedDriver
{
    private static nint OfKernels(string name) => name switch
    {
        "cuModuleLoadDataEx" => (nint)(delegate* unmanaged<nint*, nint, uint, JitOption*, nint*, int>)&ModuleLoadDataEx,
        "cuModuleUnload" => (nint)(delegate* unmanaged<nint, int>)&ModuleUnload,
        "cuModuleGetFunction" => (nint)(delegate* unmanaged<nint*, nint, nint, int>)&ModuleGetFunction,
        "cuFuncGetAttribute" => (nint)(delegate* unmanaged<int*, FunctionAttribute, nint, int>)&FuncGetAttribute,
        "cuFuncSetAttribute" => (nint)(delegate* unmanaged<nint, FunctionAttribute, int, int>)&FuncSetAttribute,
        "cuLaunchKernel" => (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, nint, void**, int>)&LaunchKernel,
        _ => 0,
    };

    [UnmanagedCallersOnly]
    private static int ModuleLoadDataEx(nint* module, nint image, uint optionCount, JitOption* options, nint* values)
    {
        if (Current(out int error) is not { } machine || Forbid(machine, "cuModuleLoadDataEx", out error))
            return error;
        try
        {
            string text = Marshal.PtrToStringUTF8(image)!, edited = machine.Edit?.Invoke(text) ?? text;
            KernelLibrary library = edited == text ? KernelLibrary.Of(text) : new KernelLibrary(edited);
            *module = machine.Open(new EmulatedModule(machine, library));
            return 0;
        }
        catch (Exception problem)
        {
            WriteLog(problem is PtxException ? problem.Message : problem.ToString(), new(options, (int)optionCount), values);
            return Fail(EmulatedErrors.InvalidPtx, problem.Message);
        }
    }

    private static void WriteLog(string text, ReadOnlySpan<JitOption> options, nint* values)
    {
        int buffer = options.IndexOf(JitOption.ErrorLogBuffer), size = options.IndexOf(JitOption.ErrorLogBufferSizeBytes);
        if (buffer < 0 || size < 0)
            return;
        Span<byte> log = new((void*)values[buffer], (int)values[size]);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(bytes.Length, log.Length - 1);
        bytes.AsSpan(0, length).CopyTo(log);
        log[length] = 0;
    }

    [UnmanagedCallersOnly]
    private static int ModuleUnload(nint handle)
    {
        if (Handles.Find<EmulatedModule>(handle) is not { } module)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no module 0x{handle:x}");
        module.Unload();
        module.Machine.Close(module);
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int ModuleGetFunction(nint* function, nint handle, nint name)
    {
        if (Handles.Find<EmulatedModule>(handle) is not { } module)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no module 0x{handle:x}");
        string text = Marshal.PtrToStringUTF8(name)!;
        if (!module.Functions.TryGetValue(text, out EmulatedFunction? found))
            return Fail(EmulatedErrors.NotFound, $"the module has no kernel {text}, only {string.Join(", ", module.Functions.Keys)}");
        *function = found.Handle;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int FuncGetAttribute(int* value, FunctionAttribute attribute, nint handle)
    {
        if (Handles.Find<EmulatedFunction>(handle) is not { } function)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no function 0x{handle:x}");
        int? found = attribute switch
        {
            FunctionAttribute.SharedSizeBytes => function.Program.StaticSharedBytes,
            FunctionAttribute.LocalSizeBytes => 0,
            FunctionAttribute.Registers => Math.Min(function.Program.Registers, 255),
            FunctionAttribute.MaxDynamicSharedSizeBytes => function.MaxDynamicSharedBytes,
            _ => null,
        };
        if (found is null)
            return Fail(EmulatedErrors.InvalidValue, $"attribute {attribute} is not emulated");
        *value = found.Value;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int FuncSetAttribute(nint handle, FunctionAttribute attribute, int value)
    {
        if (Handles.Find<EmulatedFunction>(handle) is not { } function)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no function 0x{handle:x}");
        int most = SharedMemory.Capacity - function.Program.StaticSharedBytes;
        if (attribute != FunctionAttribute.MaxDynamicSharedSizeBytes || value < 0 || value > most)
            return Fail(EmulatedErrors.InvalidValue, $"{attribute} = {value}: {function.Program.Name} can have {most} bytes at most");
        function.MaxDynamicSharedBytes = value;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int LaunchKernel(
        nint handle, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint streamHandle, nint parameters, void** extra)
    {
        if (OfStream(streamHandle, out int error) is not { } stream)
            return error;
        if (Handles.Find<EmulatedFunction>(handle) is not { } function || function.Machine != stream.Machine)
            return Fail(EmulatedErrors.InvalidHandle, $"there is no function 0x{handle:x} in this context");
        try
        {
            lock (stream.Machine.Work)
                return Launch(stream, function, (gridX, gridY, gridZ), (blockX, blockY, blockZ), sharedBytes, extra);
        }
        catch (Exception problem)
        {
            // No exception may pass to who called a driver: what went wrong is in the emulator itself.
            return Fail(EmulatedErrors.Unknown, problem.ToString());
        }
    }

    private static int Launch(EmulatedStream stream, EmulatedFunction function, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) threads, uint sharedBytes, void** extra)
    {
        EmulatedLaunch launch = stream.Machine.Launch;
        int error = Prepare(launch, function, grid, threads, sharedBytes, extra);
        if (error != 0)
            return error;
        if (stream.Capture is not { } graph)
            return stream.Finish() is var late and not 0 ? late : stream.Machine.Run(launch);
        graph.Nodes.Add(new KernelStep(launch));
        return 0;
    }

    private static int Prepare(
        EmulatedLaunch launch, EmulatedFunction function, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) threads, uint sharedBytes, void** extra)
    {
        int error = EmulatedMachine.Check(function, grid, threads, sharedBytes, extra, out byte* parameters);
        if (error == 0)
            launch.Set(function, grid, threads, (int)sharedBytes, parameters);
        return error;
    }
}
