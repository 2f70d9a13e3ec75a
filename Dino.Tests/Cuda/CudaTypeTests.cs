using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Kernels that read or write F32 would misread brain floats: whichever operand holds them, the call is refused with a sentence.</summary>
public sealed class CudaTypeTests
{
    private static readonly Window s_window = new(2, 2, 1, 1, 0, 0, 1, 1, 3, 3);
    private static readonly Segment[] s_segments = [new(0, 8, 0.1f, 0, 1)];

    /// <summary>Operations by name, with the shapes of the operands that have to be F32.</summary>
    private static readonly Dictionary<string, (Shape[] Shapes, Action<Backend, DeviceBed, View[]> Call)> s_calls = new()
    {
        ["Pool"] = ([[1, 4, 4, 2], [1, 3, 3, 2]], (backend, _, x) => backend.Pool(PoolOp.Max, x[0], s_window, x[1])),
        ["PoolBackward"] = ([[1, 4, 4, 2], [1, 3, 3, 2], [1, 4, 4, 2]], (backend, _, x) => backend.PoolBackward(PoolOp.Max, x[0], x[1], s_window, new Destination(x[2]))),
        ["Im2Col"] = ([[1, 4, 4, 2], [9, 8]], (backend, _, x) => backend.Im2Col(x[0], s_window, x[1])),
        ["Col2Im"] = ([[9, 8], [1, 4, 4, 2]], (backend, _, x) => backend.Col2Im(x[0], s_window, new Destination(x[1]))),
        ["TopK"] = ([[3, 8], [3, 2]], (backend, bed, x) => backend.TopK(x[0], x[1], bed.Take([3, 2], DType.I32))),
        ["TopProducts"] = ([[3, 4], [5, 4], [5], [3, 2]], (backend, bed, x) => backend.TopProducts(x[0], x[1], x[2], x[3], bed.Take([3, 2], DType.I32))),
        ["DinoLoss"] = ([[4, 8], [4, 8], [8]], (backend, bed, x) => backend.DinoLoss(x[0], x[1], x[2], 0.1f, 0.04f, 2, bed.Take([1]), bed.Take([2, 4]), bed.Take([2, 4]), bed.Take([1]))),
        ["DinoLossBackward"] = ([[4, 8], [4, 8], [8], [4, 8]], (backend, bed, x) =>
            backend.DinoLossBackward(x[0], x[1], x[2], 0.1f, 0.04f, 2, bed.Write(new float[8], [2, 4]), bed.Write(new float[8], [2, 4]), bed.Write([1], [1]), new Destination(x[3]))),
        ["Random"] = ([[8]], (backend, _, x) => backend.RandomUniform(x[0], new RandomKey(1), 0, 1)),
        ["Adam"] = ([[8], [8], [8], [8], [1], [8]], (backend, _, x) => backend.Adam(x[0], x[1], x[2], x[3], s_segments, new AdamConstants(0.9, 0.999, 1e-8f), new SweepExtras(x[4], 1, x[5], 0.9))),
        ["Sgd"] = ([[8], [8], [8], [1], [8]], (backend, _, x) => backend.Sgd(x[0], x[1], x[2], s_segments, new SgdConstants(0.9f, 0, false), new SweepExtras(x[3], 1, x[4], 0.9))),
        ["Lars"] = ([[8], [8], [8], [1], [8]], (backend, _, x) => backend.Lars(x[0], x[1], x[2], s_segments, new LarsConstants(0.9f, 0.001f), new SweepExtras(x[3], 1, x[4], 0.9))),
        ["ClipEach"] = ([[8], [1]], (backend, _, x) => backend.ClipEach(x[0], s_segments, 1, x[1])),
        ["ClipTogether"] = ([[8], [1]], (backend, _, x) => backend.ClipTogether(x[0], s_segments, 1, x[1])),
    };

    public static TheoryData<string> Operations => [.. s_calls.Keys];

    [Theory, MemberData(nameof(Operations))]
    public void Brain_floats_are_refused_in_every_operand(string operation)
    {
        (Shape[] shapes, Action<Backend, DeviceBed, View[]> call) = s_calls[operation];
        using DeviceBed bed = new();
        View[] operands = [.. shapes.Select(shape => bed.Write(new float[shape.Count], shape))];
        call(bed.Backend, bed, operands);
        bed.Backend.Synchronize();
        for (int i = 0; i < shapes.Length; i++)
        {
            View[] mixed = [.. operands];
            mixed[i] = bed.Take(shapes[i], DType.BF16);
            string message = Assert.Throws<NotSupportedException>(() => call(bed.Backend, bed, mixed)).Message;
            Assert.StartsWith($"{operation} takes F32 only", message, StringComparison.Ordinal);
        }
    }
}
