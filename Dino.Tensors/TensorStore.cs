using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;
using Dino.Tensors.Formats;

namespace Dino.Tensors;

/// <summary>
/// Tensors that outlive scopes, side by side in one flat F32 buffer, with a second flat buffer for their gradients: an optimizer step,
/// an EMA or a copy is one sweep over memory. Only a store made by <see cref="TryMap"/> leaves its tensors where a file has them.
/// </summary>
public sealed class TensorStore : TensorOwner, IDisposable
{
    /// <summary>Every tensor begins on a cache line.</summary>
    private const long AlignmentElements = 16;

    private readonly long[] _offsets;
    private readonly Tensor[] _tensors;
    private readonly long _count;
    private readonly MappedFile? _mapping;
    private nint _data;
    private nint _gradients;

    /// <summary>A store of zeros, unless its values are about to be written anyway.</summary>
    /// <param name="device">Where the store lives.</param>
    /// <param name="shapes">The tensors, in order.</param>
    /// <param name="withGradients">Whether there is a gradient buffer and the tensors require gradients.</param>
    /// <param name="isCleared">False leaves the tensors without values; only the padding between them is zero then.</param>
    public TensorStore(Device device, IReadOnlyList<Shape> shapes, bool withGradients, bool isCleared = true)
        : base(device)
    {
        _offsets = new long[shapes.Count];
        _tensors = new Tensor[shapes.Count];
        foreach ((int i, Shape shape) in shapes.Index())
        {
            _offsets[i] = _count;
            _count += (shape.Count + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
        }

        _data = device.Backend.Allocate(_count * sizeof(float));
        if (isCleared)
            device.Backend.Fill(Data, 0);
        else
            ClearPadding(shapes);
        if (withGradients)
        {
            _gradients = device.Backend.Allocate(_count * sizeof(float));
            device.Backend.Fill(Gradients, 0);
        }

        for (int i = 0; i < _tensors.Length; i++)
        {
            _tensors[i] = Add(Data.Slice(_offsets[i], shapes[i]), withGradients);
            if (withGradients)
                At(i).Gradient = Gradients.Slice(_offsets[i], shapes[i]).Address;
        }
    }

    private TensorStore(Device device, MappedFile mapping, long[] positions, Shape[] shapes)
        : base(device)
    {
        _offsets = Array.ConvertAll(positions, position => position / sizeof(float));
        _tensors = new Tensor[shapes.Length];
        (_mapping, _data) = (mapping, mapping.Address);
        for (int i = 0; i < _tensors.Length; i++)
            _tensors[i] = Add(new View(_data + (nint)positions[i], DType.F32, shapes[i]), requiresGradient: false);
    }

    /// <summary>
    /// A store, without gradients, of values that stay where they are in a file: nothing is read before it is used, and writes stay with this process.
    /// Null where that cannot be: the device has memory of its own, or a tensor is not little-endian F32, side by side on a multiple of four bytes of one file.
    /// </summary>
    /// <param name="device">Where to compute.</param>
    /// <param name="file">May be closed afterwards, but must not be rewritten in place while the store lives: that would end the process.</param>
    /// <param name="names">Keys in the file, one for each tensor of the store.</param>
    /// <exception cref="KeyNotFoundException">The file lacks one of them.</exception>
    /// <exception cref="TorchFileException">The values of one of them are damaged.</exception>
    public static TensorStore? TryMap(Device device, TensorFile file, IEnumerable<string> names)
    {
        TensorEntry[] entries = [.. names.Select(file.Entry)];
        if (device is not CpuDevice || !BitConverter.IsLittleEndian || !Array.TrueForAll(entries, entry => entry.Type == "F32"))
            return null;
        long[] positions = new long[entries.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            if (!file.TryLocate(entries[i].Name, out positions[i]) || positions[i] % sizeof(float) != 0)
                return null;
        }

        // What a file can get wrong comes before the mapping, which nobody would end.
        Shape[] shapes = Array.ConvertAll(entries, entry => new Shape([.. entry.Shape.Select(length => checked((int)length))]));
        return file.Map() is { } mapping ? new TensorStore(device, mapping, positions, shapes) : null;
    }

    /// <summary>Number of tensors.</summary>
    public int Length => _tensors.Length;

    /// <summary>A tensor of the store.</summary>
    public Tensor this[int index] => _tensors[index];

    /// <summary>All tensors as one flat view, padding included.</summary>
    /// <exception cref="InvalidOperationException">The values lie in a file, in an order of its own.</exception>
    public View Data => !IsMapped
        ? new(Alive(_data), DType.F32, [checked((int)_count)])
        : throw new InvalidOperationException("The values of this store lie in a mapped file, in its order: they can be used one by one, not copied as one.");

    /// <summary>All gradients as one flat view; meaningful only where <see cref="Tensor.HasGradient"/>.</summary>
    public View Gradients => _gradients == 0
        ? throw new InvalidOperationException("This store was made without gradients.")
        : new View(_gradients, DType.F32, [checked((int)_count)]);

    /// <summary>Whether the values lie in a file, in its order.</summary>
    public bool IsMapped => _mapping is not null;

    internal override string Label => $"a parameter store on {Device}";

    /// <summary>Whether the store has a gradient buffer.</summary>
    public bool HasGradients => _gradients != 0;

    /// <summary>First element of a tensor in the flat views; in a mapped store, in the file.</summary>
    public long Offset(int index) => _offsets[index];

    /// <summary>Marks all gradients as absent: the next contribution overwrites. Nothing is written.</summary>
    public void ClearGradients()
    {
        for (int i = 0; i < _tensors.Length; i++)
            At(i).HasGradient = false;
    }

    /// <summary>Marks one gradient as absent: an optimizer then skips the tensor altogether.</summary>
    public void DropGradient(int index) => At(index).HasGradient = false;

    /// <summary>Turns the gradient of one tensor on or off (frozen).</summary>
    public void SetRequiresGradient(int index, bool value)
    {
        if (value && _gradients == 0)
            throw new InvalidOperationException("This store was made without gradients.");
        At(index).RequiresGradient = value;
    }

    internal override nint TakeGradient(int slot) =>
        throw new InvalidOperationException($"A tensor {At(slot).Data.Shape} of a store without gradients was asked for one.");

    /// <summary>Frees the memory; handles become stale.</summary>
    public void Dispose()
    {
        if (_data == 0)
            return;
        Truncate(0);
        if (_mapping is not null)
            _mapping.Dispose();
        else
            Device.Backend.Free(_data, _count * sizeof(float));
        if (_gradients != 0)
            Device.Backend.Free(_gradients, _count * sizeof(float));
        (_data, _gradients) = (0, 0);
    }

    private void ClearPadding(IReadOnlyList<Shape> shapes)
    {
        for (int i = 0; i < shapes.Count; i++)
        {
            long end = _offsets[i] + shapes[i].Count, next = i + 1 < shapes.Count ? _offsets[i + 1] : _count;
            if (next > end)
                Device.Backend.Fill(Data.Slice(end, [checked((int)(next - end))]), 0);
        }
    }

    private nint Alive(nint address)
    {
        ObjectDisposedException.ThrowIf(address == 0, this);
        return address;
    }
}
