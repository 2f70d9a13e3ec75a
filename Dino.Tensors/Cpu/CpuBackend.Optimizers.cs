using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Optimizer steps: one sweep over memory, chunks of all segments in parallel.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Adam(in View parameter, in View gradient, in View first, in View second, ReadOnlySpan<Segment> segments, AdamConstants constants, in SweepExtras extras)
    {
        using ScratchFrame scratch = OpenScratch();
        AdamCoefficients* coefficients = (AdamCoefficients*)scratch.Take([segments.Length, sizeof(AdamCoefficients) / sizeof(float)]).F32;
        for (int i = 0; i < segments.Length; i++)
        {
            // Segments of a network are nearly all at the same step: the powers and roots are worked out once.
            coefficients[i] = i > 0 && segments[i].Step == segments[i - 1].Step ? coefficients[i - 1] : Corrected(constants, segments[i].Step);
            double rate = segments[i].LearningRate, decay = segments[i].WeightDecay;
            coefficients[i].Shrink = constants.Decoupled ? (float)(1 - (rate * decay)) : 1f;
            coefficients[i].Decay = constants.Decoupled ? 0f : segments[i].WeightDecay;
            coefficients[i].StepSize = (float)(rate / (1 - Math.Pow(constants.Beta1, segments[i].Step)));
        }

        AdamKernel kernel = new() { P = parameter.F32, G = gradient.F32, M = first.F32, S = second.F32, Coefficients = coefficients, Sweep = new Sweep(extras) };
        fixed (Segment* start = segments)
            RunChunks(Cut(start, segments, scratch), kernel);
    }

    public override void Sgd(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, SgdConstants constants, in SweepExtras extras)
    {
        using ScratchFrame scratch = OpenScratch();
        SgdKernel kernel = new() { P = parameter.F32, G = gradient.F32, U = momentum.F32, Constants = constants, Sweep = new Sweep(extras) };
        fixed (Segment* start = segments)
            RunChunks(Cut(start, segments, scratch), kernel);
    }

    public override void Lars(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, LarsConstants constants, in SweepExtras extras)
    {
        using ScratchFrame scratch = OpenScratch();
        fixed (Segment* start = segments)
        {
            SegmentChunks chunks = Cut(start, segments, scratch);
            double* squares = (double*)scratch.Take([chunks.Chunks, 4]).Address;
            Sweep sweep = new(extras);
            RunChunks(chunks, new LarsNormKernel { P = parameter.F32, G = gradient.F32, Squares = squares, Sweep = sweep });

            float* trust = scratch.Take([segments.Length]).F32;
            for (int i = 0; i < segments.Length; i++)
            {
                double weight = Math.Sqrt(chunks.SumOver(i, squares, 2)), update = Math.Sqrt(chunks.SumOver(i, squares + 1, 2));
                trust[i] = segments[i].Adapt && weight > 0 && update > 0 ? (float)(constants.TrustCoefficient * weight / update) : 1f;
            }

            RunChunks(chunks, new LarsKernel { P = parameter.F32, G = gradient.F32, U = momentum.F32, Trust = trust, Momentum = constants.Momentum, Sweep = sweep });
        }
    }

    private static AdamCoefficients Corrected(AdamConstants constants, int step) => new()
    {
        RootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(constants.Beta2, step))),
        Beta1 = (float)constants.Beta1,
        Fresh1 = (float)(1 - constants.Beta1),
        Beta2 = (float)constants.Beta2,
        Fresh2 = (float)(1 - constants.Beta2),
        Epsilon = constants.Epsilon,
    };

    private static SegmentChunks Cut(Segment* start, ReadOnlySpan<Segment> segments, in ScratchFrame scratch) =>
        SegmentChunks.Build(start, segments.Length, scratch.Take([SegmentChunks.TableLength(segments)], DType.I32).I32);

    private void RunChunks<TKernel>(in SegmentChunks chunks, TKernel kernel)
        where TKernel : struct, IChunkKernel
    {
        ChunkJob<TKernel> job = new() { Chunks = chunks, Kernel = kernel };
        RunTiles(chunks.Tasks, chunks.Elements, ref job);
    }

    /// <summary>The extras of a step as kernels want them, segment by segment.</summary>
    private readonly struct Sweep(in SweepExtras extras)
    {
        private readonly float* _norms = extras.Norms.F32;
        private readonly float _maxNorm = extras.MaxNorm;
        private readonly float* _follower = extras.Follower.F32;
        private readonly float _keep = (float)extras.Momentum, _fresh = (float)(1 - extras.Momentum);

        public float Clip(in Segment segment) => _norms == null ? 1f : ClipFactor(_norms[segment.Norm], _maxNorm);

        public Follower At(long offset) => new() { F = _follower == null ? null : _follower + offset, Keep = _keep, Fresh = _fresh };
    }

    private struct AdamKernel : IChunkKernel
    {
        public Sweep Sweep;
        public float* P, G, M, S;
        public AdamCoefficients* Coefficients;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length)
        {
            if (segment.Step == 1)
            {
                NativeMemory.Clear(M + offset, sizeof(float) * (nuint)length);
                NativeMemory.Clear(S + offset, sizeof(float) * (nuint)length);
            }

            OptimizerKernels<V>.Adam(P + offset, G + offset, M + offset, S + offset, Coefficients[index], Sweep.Clip(segment), Sweep.At(offset), length);
        }
    }

    private struct SgdKernel : IChunkKernel
    {
        public Sweep Sweep;
        public float* P, G, U;
        public SgdConstants Constants;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length)
        {
            if (Constants.Momentum == 0)
            {
                OptimizerKernels<V>.Descend(P + offset, G + offset, segment.WeightDecay, segment.LearningRate, Sweep.Clip(segment), Sweep.At(offset), length);
                return;
            }

            MomentumCoefficients coefficients = new()
            {
                Clip = Sweep.Clip(segment), Decay = segment.WeightDecay, Factor = 1f, Keep = Constants.Momentum, Fresh = (float)(1 - (double)Constants.Dampening),
                Rate = segment.LearningRate, IsFirst = segment.Step == 1, Nesterov = Constants.Nesterov,
            };
            OptimizerKernels<V>.Momentum(P + offset, G + offset, U + offset, coefficients, Sweep.At(offset), length);
        }
    }

    private struct LarsNormKernel : IChunkKernel
    {
        public Sweep Sweep;
        public float* P, G;
        public double* Squares;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length)
        {
            if (!segment.Adapt)
                return;
            Squares[2L * chunk] = RowSums<V>.SumOfSquares(P + offset, length);
            Squares[(2L * chunk) + 1] = OptimizerKernels<V>.UpdateSquares(P + offset, G + offset, segment.WeightDecay, Sweep.Clip(segment), length);
        }
    }

    private struct LarsKernel : IChunkKernel
    {
        public Sweep Sweep;
        public float* P, G, U, Trust;
        public float Momentum;

        public readonly void Run(in Segment segment, int index, int chunk, long offset, int length)
        {
            MomentumCoefficients coefficients = new()
            {
                Clip = Sweep.Clip(segment), Decay = segment.Adapt ? segment.WeightDecay : 0f, Factor = Trust[index], Keep = Momentum, Fresh = 1f,
                Rate = segment.LearningRate, IsFirst = segment.Step == 1,
            };
            OptimizerKernels<V>.Momentum(P + offset, G + offset, U + offset, coefficients, Sweep.At(offset), length);
        }
    }
}
