using System.Collections.Concurrent;
using System.Text;

namespace Dino.Cuda.Native;

/// <summary>The kernels of <c>Kernels/*.ptx</c>, compiled by the driver when the first one of a module is asked for.</summary>
internal sealed unsafe class KernelModules(CudaContext context) : IDisposable
{
    private readonly ConcurrentDictionary<string, Kernel> _kernels = new();
    private readonly Dictionary<string, nint> _modules = [];
    private readonly Lock _lock = new();

    /// <summary>A kernel by name, which is <c>module.kernel</c> in error messages.</summary>
    /// <exception cref="CudaException">The driver rejects the PTX, or the module lacks the kernel.</exception>
    public Kernel this[string module, string name] => _kernels.TryGetValue(name, out Kernel? kernel) ? kernel : Load(module, name);

    /// <summary>A kernel that is launched with more shared memory than kernels have unasked.</summary>
    /// <param name="bytes">Dynamic shared memory of its launches.</param>
    /// <inheritdoc cref="this[string, string]"/>
    public Kernel WithShared(string module, string name, int bytes)
    {
        Kernel kernel = this[module, name];
        if (kernel.MaxSharedBytes < bytes)
        {
            context.MakeCurrent();
            context.Driver.Check(
                context.Driver.cuFuncSetAttribute(kernel.Function, FunctionAttribute.MaxDynamicSharedSizeBytes, bytes), $"driver.cuFuncSetAttribute({module}.{name}, shared memory {bytes} bytes)");
            kernel.MaxSharedBytes = bytes;
        }

        return kernel;
    }

    /// <summary>The PTX of a module.</summary>
    public static byte[] Source(string module)
    {
        using Stream stream = typeof(KernelModules).Assembly.GetManifestResourceStream(module + ".ptx")
            ?? throw new InvalidOperationException($"There is no kernel module '{module}'.");
        byte[] text = new byte[stream.Length + 1];
        stream.ReadExactly(text, 0, text.Length - 1);
        return text;
    }

    /// <summary>Unloads all modules.</summary>
    public void Dispose()
    {
        context.MakeCurrent();
        foreach (nint module in _modules.Values)
            context.Driver.cuModuleUnload(module);
        _modules.Clear();
        _kernels.Clear();
    }

    private Kernel Load(string module, string name)
    {
        lock (_lock)
        {
            context.MakeCurrent();
            if (!_modules.TryGetValue(module, out nint handle))
                _modules[module] = handle = Compile(module);
            nint function;
            fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
                context.Driver.Check(context.Driver.cuModuleGetFunction(&function, handle, text), $"driver.cuModuleGetFunction({module}.{name})");
            return _kernels[name] = new Kernel(name, function);
        }
    }

    private nint Compile(string module)
    {
        const int LogBytes = 8192;
        byte* log = stackalloc byte[LogBytes];
        log[0] = 0;
        JitOption* options = stackalloc JitOption[] { JitOption.ErrorLogBuffer, JitOption.ErrorLogBufferSizeBytes };
        void** values = stackalloc void*[] { log, (void*)LogBytes };
        nint handle;
        fixed (byte* text = Source(module))
        {
            CudaResult result = context.Driver.cuModuleLoadDataEx(&handle, text, 2, options, values);
            string errors = new((sbyte*)log);
            context.Driver.Check(result, $"driver.cuModuleLoadDataEx({module}.ptx){(errors.Length > 0 ? $" [{errors.Trim()}]" : "")}");
        }

        return handle;
    }
}
