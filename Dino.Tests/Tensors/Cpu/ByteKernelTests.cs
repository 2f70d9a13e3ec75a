using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tests.Tensors;

/// <summary>Every way to multiply bytes gives the integers that a loop gives.</summary>
public sealed unsafe class ByteKernelTests
{
    [Fact]
    public void One_instruction() => AssertExact<VnniBytes>(VnniBytes.IsSupported);

    [Fact]
    public void Pairs_of_256_bits() => AssertExact<Avx2Bytes>(Avx2Bytes.IsSupported);

    [Fact]
    public void Pairs_of_128_bits() => AssertExact<Ssse3Bytes>(Ssse3Bytes.IsSupported);

    [Fact]
    public void Any_hardware() => AssertExact<PortableBytes>(true);

    /// <summary>int8 is faster than floats with AVX-VNNI alone, so whether it is used must show.</summary>
    [Fact]
    public void A_device_names_the_instructions_it_multiplies_bytes_with()
    {
        using CpuDevice narrow = new(1, VectorWidth.V128), wide = new(1, VectorWidth.V256), widest = new(1);
        Assert.Equal(Ssse3Bytes.IsSupported ? "SSSE3" : "32-bit products", narrow.Int8InstructionSet);
        Assert.Equal(VnniBytes.IsSupported ? "AVX-VNNI" : Avx2Bytes.IsSupported ? "AVX2" : narrow.Int8InstructionSet, wide.Int8InstructionSet);
        Assert.Equal(widest.Width == VectorWidth.V128 ? narrow.Int8InstructionSet : wide.Int8InstructionSet, widest.Int8InstructionSet);
    }

    private static void AssertExact<D>(bool isSupported)
        where D : struct, IByteVec<D>
    {
        // What this machine lacks is never chosen here; the others run everywhere they exist.
        if (!isSupported)
            return;
        Random random = new(1);
        foreach (int depth in new[] { 4, 8, 100, 1536 })
        {
            for (int rows = 1; rows <= 6; rows++)
            {
                for (int vectors = 1; vectors <= 2; vectors++)
                {
                    AssertExact<D>(rows, vectors, depth, () => (byte)random.Next(256), () => (sbyte)random.Next(-127, 128));
                    // The largest products of either sign, which saturate 16 bits in pairs.
                    AssertExact<D>(rows, vectors, depth, () => 255, () => 127);
                    AssertExact<D>(rows, vectors, depth, () => 255, () => -127);
                    AssertExact<D>(rows, vectors, depth, () => 128, () => -127);
                }
            }
        }
    }

    private static void AssertExact<D>(int rows, int vectors, int depth, Func<byte> input, Func<sbyte> weight)
        where D : struct, IByteVec<D>
    {
        // A panel one vector wider than what is computed: the kernel must keep to its columns.
        int width = (vectors + 1) * D.Count, stride = depth + 4;
        byte* x = (byte*)NativeMemory.AlignedAlloc((nuint)(rows * stride), 64), panel = (byte*)NativeMemory.AlignedAlloc((nuint)(width * depth), 64);
        int* y = (int*)NativeMemory.AlignedAlloc((nuint)(rows * width * sizeof(int)), 64);
        for (int i = 0; i < rows * stride; i++)
            x[i] = input();
        for (int i = 0; i < width * depth; i++)
            panel[i] = (byte)weight();
        new Span<int>(y, rows * width).Fill(int.MinValue);
        ByteKernel<D>.Run(rows, vectors, x, stride, panel, width, depth, y);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < width; j++)
            {
                int sum = 0;
                for (int k = 0; k < depth; k++)
                    sum += x[(i * stride) + k] * (sbyte)panel[(((k / 4 * width) + j) * 4) + (k % 4)];
                Assert.Equal(j < vectors * D.Count ? sum : int.MinValue, y[(i * width) + j]);
            }
        }

        NativeMemory.AlignedFree(x);
        NativeMemory.AlignedFree(panel);
        NativeMemory.AlignedFree(y);
    }
}
