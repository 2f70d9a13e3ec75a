using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Gradient norms and clipping: sums of squares by chunk, joined in order; the host sees neither norms nor factors.</summary>
internal sealed unsafe partial class CudaBackend
{
    private readonly record struct SquaresArguments(nint X, nint Chunks, nint Squares);

    private readonly record struct NormsArguments(nint Squares, nint FirstChunks, nint Norms, nint Factors, int Segments, float MaxNorm);

    private readonly record struct ScaleArguments(nint X, nint Chunks, nint Factors, int Step, int Padding = 0);

    public override void ClipEach(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms) =>
        Clip(gradient, segments, maxNorm, norms, together: false);

    public override void ClipTogether(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norm) =>
        Clip(gradient, segments, maxNorm, norm, together: true);

    private void Clip(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms, bool together)
    {
        RequireF32(together ? nameof(ClipTogether) : nameof(ClipEach), gradient.DType | norms.DType);
        // One norm of no segments is 0; no norms are nothing to do.
        if (segments.IsEmpty && !together)
            return;
        SegmentTable table = _segments.Find(segments);
        using ScratchFrame scratch = OpenScratch();
        nint squares = scratch.Take([Math.Max(table.Chunks, 1), sizeof(double)], DType.U8).Address, factors = scratch.Take([Math.Max(segments.Length, 1)]).Address;
        LaunchChunks(_kernels["clipping", "chunk_squares"], new SquaresArguments(gradient.Address, table.Address, squares), table.Chunks);
        NormsArguments joined = new(squares, table.FirstChunks, norms.Address, factors, together ? segments.Length : 1, maxNorm);
        Launch(_kernels["clipping", "chunk_norms"], joined, together ? 1 : segments.Length, together ? 1024 : BlockThreads);
        if (maxNorm > 0)
            LaunchChunks(_kernels["clipping", "scale_chunks"], new ScaleArguments(gradient.Address, table.Address, factors, together ? 0 : 1), table.Chunks);
    }
}
