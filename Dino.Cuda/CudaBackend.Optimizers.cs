using System.Runtime.CompilerServices;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>
/// Optimizer steps: one launch over the chunks of all segments. What is the same for a whole segment is worked out here in double, as on the CPU, and goes
/// with the arguments of the kernel; norms and trust ratios are read where they are.
/// </summary>
internal sealed unsafe partial class CudaBackend
{
    private struct AdamRate
    {
        public float Shrink, Decay, StepSize, RootCorrection;
        public int IsFirst;
    }

    private struct MomentumRate
    {
        public float Decay, Rate;
        public int IsFirst, Adapts;
    }

    [InlineArray(SegmentTable.PaletteSize)]
    private struct AdamRates
    {
        private AdamRate _first;
    }

    [InlineArray(SegmentTable.PaletteSize)]
    private struct MomentumRates
    {
        private MomentumRate _first;
    }

    private readonly struct SweepArguments(in SweepExtras extras)
    {
        public readonly nint Norms = extras.Norms.Address, Follower = extras.Follower.Address;
        public readonly float MaxNorm = extras.MaxNorm, Keep = (float)extras.Momentum, Fresh = (float)(1 - extras.Momentum);
        public readonly int Padding = 0;
    }

    private struct AdamArguments()
    {
        public nint P, G, M, V, Chunks;
        public SweepArguments Sweep;
        public float Beta1, Fresh1, Beta2, Fresh2, Epsilon;
        public AdamRates Rates;
        public readonly int Padding = 0;
    }

    private struct MomentumArguments()
    {
        public nint P, G, U, Chunks, Trust;
        public SweepArguments Sweep;
        public float Keep, Fresh;
        public int Nesterov;
        public MomentumRates Rates;
        public readonly int Padding = 0;
    }

    private struct LarsSquaresArguments
    {
        public nint P, G, Chunks, Squares;
        public SweepArguments Sweep;
        public MomentumRates Rates;
    }

    private readonly record struct LarsTrustArguments(nint Squares, nint FirstChunks, nint Trust, float Coefficient, int Padding = 0);

    public override void Adam(in View parameter, in View gradient, in View first, in View second, ReadOnlySpan<Segment> segments, AdamConstants constants, in SweepExtras extras)
    {
        RequireF32(nameof(Adam), parameter.DType | gradient.DType | first.DType | second.DType | extras.Norms.DType | extras.Follower.DType);
        SegmentTable table = _segments.Find(segments);
        AdamArguments arguments = new()
        {
            P = parameter.Address, G = gradient.Address, M = first.Address, V = second.Address, Sweep = new SweepArguments(extras),
            Beta1 = (float)constants.Beta1, Fresh1 = (float)(1 - constants.Beta1), Beta2 = (float)constants.Beta2, Fresh2 = (float)(1 - constants.Beta2),
            Epsilon = constants.Epsilon,
        };
        foreach (ref readonly SegmentTable.Run run in table.Runs)
        {
            ReadOnlySpan<int> examples = table.ExamplesOf(run);
            for (int i = 0; i < examples.Length; i++)
                arguments.Rates[i] = Corrected(segments[examples[i]], constants);
            arguments.Chunks = table.ChunksOf(run);
            LaunchChunks(_kernels["optimizers", "adam"], arguments, run.Chunks);
        }
    }

    public override void Sgd(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, SgdConstants constants, in SweepExtras extras)
    {
        RequireF32(nameof(Sgd), parameter.DType | gradient.DType | momentum.DType | extras.Norms.DType | extras.Follower.DType);
        SegmentTable table = _segments.Find(segments);
        MomentumArguments arguments = new()
        {
            P = parameter.Address, G = gradient.Address, U = constants.Momentum == 0 ? 0 : momentum.Address, Sweep = new SweepArguments(extras),
            Keep = constants.Momentum, Fresh = (float)(1 - (double)constants.Dampening), Nesterov = constants.Nesterov ? 1 : 0,
        };
        foreach (ref readonly SegmentTable.Run run in table.Runs)
        {
            ReadOnlySpan<int> examples = table.ExamplesOf(run);
            for (int i = 0; i < examples.Length; i++)
                arguments.Rates[i] = RateOf(segments[examples[i]], segments[examples[i]].WeightDecay);
            arguments.Chunks = table.ChunksOf(run);
            LaunchChunks(_kernels["optimizers", "momentum"], arguments, run.Chunks);
        }
    }

    public override void Lars(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, LarsConstants constants, in SweepExtras extras)
    {
        RequireF32(nameof(Lars), parameter.DType | gradient.DType | momentum.DType | extras.Norms.DType | extras.Follower.DType);
        SegmentTable table = _segments.Find(segments);
        if (table.Chunks == 0)
            return;
        using ScratchFrame scratch = OpenScratch();
        nint squares = scratch.Take([table.Chunks, 2 * sizeof(double)], DType.U8).Address, trust = scratch.Take([table.Segments]).Address;
        LarsSquaresArguments measured = new() { P = parameter.Address, G = gradient.Address, Sweep = new SweepArguments(extras) };
        foreach (ref readonly SegmentTable.Run run in table.Runs)
        {
            LarsRates(table.ExamplesOf(run), segments, ref measured.Rates);
            (measured.Chunks, measured.Squares) = (table.ChunksOf(run), squares + (run.FirstChunk * 2 * sizeof(double)));
            LaunchChunks(_kernels["optimizers", "lars_squares"], measured, run.Chunks);
        }

        Launch(_kernels["optimizers", "lars_trust"], new LarsTrustArguments(squares, table.FirstChunks, trust, constants.TrustCoefficient), table.Segments);
        MomentumArguments arguments = new()
        {
            P = parameter.Address, G = gradient.Address, U = momentum.Address, Trust = trust, Sweep = new SweepArguments(extras), Keep = constants.Momentum, Fresh = 1f,
        };
        foreach (ref readonly SegmentTable.Run run in table.Runs)
        {
            LarsRates(table.ExamplesOf(run), segments, ref arguments.Rates);
            arguments.Chunks = table.ChunksOf(run);
            LaunchChunks(_kernels["optimizers", "momentum"], arguments, run.Chunks);
        }
    }

    private static AdamRate Corrected(in Segment segment, AdamConstants constants)
    {
        double rate = segment.LearningRate;
        return new AdamRate
        {
            Shrink = constants.Decoupled ? (float)(1 - (rate * segment.WeightDecay)) : 1f,
            Decay = constants.Decoupled ? 0f : segment.WeightDecay,
            StepSize = (float)(rate / (1 - Math.Pow(constants.Beta1, segment.Step))),
            RootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(constants.Beta2, segment.Step))),
            IsFirst = segment.Step == 1 ? 1 : 0,
        };
    }

    private static void LarsRates(ReadOnlySpan<int> examples, ReadOnlySpan<Segment> segments, ref MomentumRates rates)
    {
        for (int i = 0; i < examples.Length; i++)
            rates[i] = RateOf(segments[examples[i]], segments[examples[i]].Adapt ? segments[examples[i]].WeightDecay : 0f);
    }

    private static MomentumRate RateOf(in Segment segment, float decay) => new()
    {
        Decay = decay, Rate = segment.LearningRate, IsFirst = segment.Step == 1 ? 1 : 0, Adapts = segment.Adapt ? 1 : 0,
    };

    /// <summary>Queues a kernel with a block for each chunk of segments.</summary>
    private void LaunchChunks<T>(Kernel kernel, in T arguments, int chunks)
        where T : unmanaged
    {
        if (chunks > 0)
            Launch(kernel, arguments, chunks, SegmentTable.ChunkThreads);
    }
}
