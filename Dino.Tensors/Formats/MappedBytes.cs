using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>A file seen as memory: pages come from the system's cache when they are touched. Writes stay with this process.</summary>
/// <remarks>Whoever shortens the file meanwhile ends this process: a mapping is for files that are replaced by renaming, or for a short while.</remarks>
public sealed unsafe class MappedBytes : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    internal MappedBytes(SafeFileHandle handle)
    {
        Length = RandomAccess.GetLength(handle);
        _file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.CopyOnWrite);
        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        Address = (nint)(address + _view.PointerOffset);
    }

    /// <summary>The first byte of the file.</summary>
    public nint Address { get; private set; }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Ends the mapping; the address is no longer valid.</summary>
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
