using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>A place where tensors live and operations run. All scopes and stores of a program name their device explicitly.</summary>
public abstract class Device : IDisposable
{
    private readonly Stack<Scope> _idle = new();
    private readonly Lock _lock = new();
    private bool _disposed;

    /// <summary>A device on a backend, which it owns.</summary>
    protected Device(Backend backend) => Backend = backend;

    /// <summary>What runs the operations.</summary>
    public Backend Backend { get; }

    /// <summary>Short name for messages, such as <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Opens a scope for one step or one request. Scopes are reused: a warm one allocates nothing.</summary>
    public Scope OpenScope(GradMode mode = GradMode.Record)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Scope? scope;
        lock (_lock)
            _idle.TryPop(out scope);
        scope ??= new Scope(this);
        scope.Open(mode);
        return scope;
    }

    /// <summary>Frees the memory of scopes that are not open.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            while (_idle.TryPop(out Scope? scope))
                scope.Destroy();
        }
    }

    internal void Return(Scope scope)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _idle.Push(scope);
                return;
            }
        }

        scope.Destroy();
    }

    /// <summary>Downloads a view as F32. Only the conversion of other element types needs memory, and takes it from a scope.</summary>
    internal void ReadSingles(in View view, Span<float> destination)
    {
        if (destination.Length != view.Count)
            throw new ShapeMismatchException($"Read: {destination.Length} places for the {view.Count} elements of {view.Shape}.");
        if (view.DType == DType.F32)
        {
            Backend.Download(view, MemoryMarshal.AsBytes(destination));
            return;
        }

        using Scope scope = OpenScope(GradMode.Off);
        Tensor converted = scope.Empty(view.Shape);
        Backend.Cast(view, converted.View);
        Backend.Download(converted.View, MemoryMarshal.AsBytes(destination));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Frees the device's memory. Open scopes are freed when they close.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the device owns.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        Trim();
        _disposed = true;
        Backend.Dispose();
    }
}
