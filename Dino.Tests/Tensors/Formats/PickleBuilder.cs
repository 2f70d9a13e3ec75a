using System.Buffers.Binary;
using System.Text;

namespace Dino.Tests.Tensors.Formats;

/// <summary>Writes pickles operation by operation, good and bad ones.</summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public PickleBuilder Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleBuilder Raw(string latin) => Raw(Encoding.Latin1.GetBytes(latin));

    public PickleBuilder Repeat(int count, Action<PickleBuilder, int> step)
    {
        for (int i = 0; i < count; i++)
            step(this, i);
        return this;
    }

    public PickleBuilder Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return Raw("X").Number(bytes.Length).Raw(bytes);
    }

    /// <summary>Four bytes, little-endian.</summary>
    public PickleBuilder Number(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    /// <summary>An integer of any size.</summary>
    public PickleBuilder Int(System.Numerics.BigInteger value)
    {
        byte[] bytes = value.IsZero ? [] : value.ToByteArray();
        return Raw([0x8a, (byte)bytes.Length, .. bytes]);
    }

    public PickleBuilder Float(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        return Raw("G").Raw(bytes);
    }

    public PickleBuilder Bytes(params ReadOnlySpan<byte> bytes) => Raw("B").Number(bytes.Length).Raw(bytes);

    public PickleBuilder Global(string module, string name) => Raw($"c{module}\n{name}\n");

    public PickleBuilder Mark() => Raw("(");

    public PickleBuilder Tuple() => Raw("t");

    /// <summary>A tuple of integers.</summary>
    public PickleBuilder Ints(params ReadOnlySpan<long> values)
    {
        Mark();
        foreach (long value in values)
            Int(value);
        return Tuple();
    }

    public PickleBuilder Reduce() => Raw("R");

    public PickleBuilder EmptyDict() => Raw("}");

    public PickleBuilder SetItem() => Raw("s");

    public PickleBuilder Put(int index) => Raw("r").Number(index);

    public PickleBuilder Get(int index) => Raw("j").Number(index);

    public PickleBuilder Stop() => Raw(".");

    /// <summary>Puts a storage on the stack.</summary>
    public PickleBuilder Storage(string key, long count, string type = "FloatStorage", string module = "torch") =>
        Mark().Text("storage").Global(module, type).Text(key).Text("cpu").Int(count).Tuple().Raw("Q");

    /// <summary>Puts a tensor on the stack.</summary>
    public PickleBuilder Tensor(string key, long count, long first, long[] shape, long[] strides, string type = "FloatStorage") =>
        Global("torch._utils", "_rebuild_tensor_v2").Mark().Storage(key, count, type).Int(first).Ints(shape).Ints(strides).Raw(0x89).Global("collections", "OrderedDict").Raw(")").Reduce().Tuple().Reduce();

    /// <summary>A contiguous tensor.</summary>
    public PickleBuilder Tensor(string key, params long[] shape)
    {
        long[] strides = new long[shape.Length];
        long count = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
            (strides[axis], count) = (count, count * shape[axis]);
        return Tensor(key, count, 0, shape, strides);
    }
}
