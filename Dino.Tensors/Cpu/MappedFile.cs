using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Cpu;

/// <summary>A file seen as memory: pages come from the system's cache when they are touched. Writes stay with this process.</summary>
/// <remarks>Whoever shortens the file meanwhile ends this process: a mapping is for files that are not rewritten in place.</remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public MappedFile(SafeFileHandle handle)
    {
        _file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.CopyOnWrite);
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        Address = (nint)(address + _view.PointerOffset);
    }

    /// <summary>The first byte of the file; 0 once the mapping has ended.</summary>
    public nint Address { get; private set; }

    public void Dispose()
    {
        if (Address == 0)
            return;
        Address = 0;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
