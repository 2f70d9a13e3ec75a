using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Gradient norms and clipping: sums of squares by chunk in double, added up in order; only what is too long is touched again.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void ClipEach(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms)
    {
        using ScratchFrame scratch = OpenScratch();
        fixed (Segment* start = segments)
        {
            SegmentChunks chunks = Cut(start, segments, scratch);
            double* squares = SquaresByChunk(gradient, chunks, scratch);
            float* factors = scratch.Take([segments.Length]).F32;
            bool clips = false;
            for (int i = 0; i < segments.Length; i++)
            {
                double norm = Math.Sqrt(chunks.SumOver(i, squares, 1));
                norms.F32[i] = (float)norm;
                factors[i] = ClipFactor(norm, maxNorm);
                clips |= factors[i] < 1f;
            }

            if (clips)
                RunChunks(chunks, new ClipKernel { Gradient = gradient.F32, Factors = factors });
        }
    }

    public override void ClipTogether(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norm)
    {
        using ScratchFrame scratch = OpenScratch();
        fixed (Segment* start = segments)
        {
            SegmentChunks chunks = Cut(start, segments, scratch);
            double* squares = SquaresByChunk(gradient, chunks, scratch);
            double sum = 0;
            for (int i = 0; i < segments.Length; i++)
                sum += chunks.SumOver(i, squares, 1);
            norm.F32[0] = (float)Math.Sqrt(sum);
            float factor = ClipFactor(Math.Sqrt(sum), maxNorm);
            if (!(factor < 1f))
                return;
            float* factors = scratch.Take([segments.Length]).F32;
            new Span<float>(factors, segments.Length).Fill(factor);
            RunChunks(chunks, new ClipKernel { Gradient = gradient.F32, Factors = factors });
        }
    }

    /// <summary>maxNorm / (norm + 1e-6); 1 where nothing is clipped, which includes a norm that is NaN.</summary>
    private static float ClipFactor(double norm, float maxNorm)
    {
        double factor = maxNorm > 0 ? maxNorm / (norm + ClipEpsilon) : 1;
        return factor < 1 ? (float)factor : 1f;
    }

    private double* SquaresByChunk(in View gradient, in SegmentChunks chunks, in ScratchFrame scratch)
    {
        double* squares = (double*)scratch.Take([chunks.Chunks, 2]).Address;
        RunChunks(chunks, new SquaresKernel { X = gradient.F32, Squares = squares });
        return squares;
    }

    private struct SquaresKernel : IChunkKernel
    {
        public float* X;
        public double* Squares;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length) =>
            Squares[chunk] = RowSums<V>.SumOfSquares(X + offset, length);
    }

    private struct ClipKernel : IChunkKernel
    {
        public float* Gradient, Factors;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length)
        {
            if (Factors[index] < 1f)
                NormalizeKernels<V>.Scale(Gradient + offset, Factors[index], Gradient + offset, length);
        }
    }
}
