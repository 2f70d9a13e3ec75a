using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>
/// Native memory of a tensor, begun on a cache line, with bytes of all ones on both sides: a write there is found by
/// <see cref="Verify"/>, and a read there is a NaN that shows in the results.
/// </summary>
internal sealed unsafe class GuardedMemory : IDisposable
{
    private const int Guard = 256;
    private readonly byte* _memory;

    public GuardedMemory(Shape shape, DType type = DType.F32)
    {
        long bytes = shape.Count * type.Size();
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Guard)), 64);
        new Span<byte>(_memory, checked((int)bytes + (2 * Guard))).Fill(0xFF);
        View = new View((nint)(_memory + Guard), type, shape);
    }

    public GuardedMemory(Shape shape, ReadOnlySpan<float> values) : this(shape) => values[..(int)shape.Count].CopyTo(Floats);

    public View View { get; }

    public Span<float> Floats => Of<float>();

    public Span<int> Ints => Of<int>();

    public Span<T> Of<T>() where T : unmanaged => new((void*)View.Address, checked((int)View.Count));

    /// <summary>Nothing was written outside the tensor.</summary>
    public void Verify()
    {
        Assert.False(new ReadOnlySpan<byte>(_memory, Guard).ContainsAnyExcept((byte)0xFF), $"A write before {View.Shape}.");
        Assert.False(new ReadOnlySpan<byte>(_memory + Guard + View.Bytes, Guard).ContainsAnyExcept((byte)0xFF), $"A write behind {View.Shape}.");
    }

    public void Dispose()
    {
        Verify();
        NativeMemory.AlignedFree(_memory);
    }
}
