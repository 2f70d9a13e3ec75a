using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Threads of a block that scatters, as <c>indexing.cu</c> has them.</summary>
    private const int ScatterThreads = 256;

    private readonly record struct GatherArguments(nint X, nint Indices, nint Y, long Rows, long Columns, uint Table, int Padding = 0);

    private readonly record struct ScatterArguments(nint X, nint Indices, nint Y, long Columns, int Count, int Table);

    public override void GatherRows(in View x, in View indices, in View y)
    {
        if (y.Count == 0)
            return;
        long rowBytes = y.Bytes / indices.Count;
        int unit = UnitBytes(x.Address | y.Address | rowBytes);
        string kernel = unit switch
        {
            1 => "gather_1",
            2 => "gather_2",
            4 => "gather_4",
            8 => "gather_8",
            _ => "gather_16",
        };
        GatherArguments arguments = new(x.Address, indices.Address, y.Address, indices.Count, rowBytes / unit, (uint)x.Shape[0]);
        LaunchOver(_kernels["indexing", kernel], arguments, y.Bytes / unit);
    }

    public override void ScatterAddRows(in View x, in View indices, in View y)
    {
        RequireF32(nameof(ScatterAddRows), x.DType | y.DType);
        if (x.Count == 0)
            return;
        long columns = x.Count / indices.Count;
        bool isWide = UnitBytes(x.Address | y.Address | (columns * sizeof(float))) == QuadElements * sizeof(float);
        if (isWide)
            columns /= QuadElements;
        ScatterArguments arguments = new(x.Address, indices.Address, y.Address, columns, checked((int)indices.Count), y.Shape[0]);
        int tiles = checked((int)((columns + ScatterThreads - 1) / ScatterThreads));
        Launch(_kernels["indexing", isWide ? "scatter_add_16" : "scatter_add_4"], arguments, (arguments.Count, tiles, 1), ScatterThreads);
    }
}
