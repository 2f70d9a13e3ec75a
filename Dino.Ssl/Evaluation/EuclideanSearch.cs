using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>The nearest rows of each row of a matrix in Euclidean distance, a block of rows at a time: distances are never stored.</summary>
internal sealed class EuclideanSearch : IDisposable
{
    private readonly Device _device;
    private readonly int _width, _count;
    private readonly float[] _rows;
    private readonly TensorStore _memory;

    /// <param name="rows">[N, D].</param>
    public EuclideanSearch(Device device, float[] rows, int width)
    {
        (_device, _rows, _width, _count) = (device, rows, width, rows.Length / width);
        // The rows with the largest x · y - ½‖y‖² are the nearest.
        float[] offsets = [.. RowMath.Squares(rows, width).Select(square => (float)(-0.5 * square))];
        _memory = new TensorStore(device, [[_count, width], [_count]], withGradients: false, isCleared: false);
        device.Backend.Upload(MemoryMarshal.AsBytes(rows.AsSpan()), _memory[0].View);
        device.Backend.Upload(MemoryMarshal.AsBytes(offsets.AsSpan()), _memory[1].View);
    }

    /// <summary>The k nearest rows of some rows, each of which is among its own unless as many equal ones come before it.</summary>
    /// <param name="start">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="k">At most N.</param>
    /// <returns>[rows, k], nearest first.</returns>
    public int[] Of(int start, int rows, int k)
    {
        using Scope scope = _device.OpenScope(GradMode.Off);
        scope.Upload(_rows.AsSpan(start * _width, rows * _width), [rows, _width]).TopProducts(_memory[0], k, out Tensor indices, _memory[1]);
        int[] result = new int[rows * k];
        scope.Backend.Download(indices.View, MemoryMarshal.AsBytes(result.AsSpan()));
        return result;
    }

    public void Dispose() => _memory.Dispose();
}
