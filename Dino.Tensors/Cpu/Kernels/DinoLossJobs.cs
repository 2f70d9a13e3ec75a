using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>What a chunk of prototypes adds to the sums of one row of logits; exponents are relative to the largest logit of the chunk.</summary>
internal struct ChunkSums
{
    /// <summary>Largest logit (teacher: less the centre) of the chunk.</summary>
    public float Max;

    /// <summary>Σ exp((x - Max) / temperature).</summary>
    public double ExpSum;

    /// <summary>Student: Σ q (x - Max) over the targets of all its teachers. Teacher: Σ q log(q · Σ exp) over its own.</summary>
    public double Dot;

    /// <summary>Teacher: Σ q over the chunk.</summary>
    public double Weight;
}

/// <summary>A row of the teacher, once all chunks are known.</summary>
internal struct TeacherRow
{
    public float Max, InverseSum;
    public double LogSum;
}

/// <summary>Operands of the DINO cross-entropy and their cut into chunks of prototypes, fixed by shape alone.</summary>
internal readonly unsafe struct DinoLossOperands
{
    /// <summary>Prototypes of a task: large enough to pay for a task, small enough that ten student rows stay in the second-level cache.</summary>
    public const int Chunk = 4096;

    public required Backend.CropPairs Pairs { get; init; }

    public required float* Student { get; init; }

    public required float* Teacher { get; init; }

    public required float* Centre { get; init; }

    /// <summary>1 / temperature.</summary>
    public required float StudentRate { get; init; }

    public required float TeacherRate { get; init; }

    public int Chunks => (Pairs.Columns + Chunk - 1) / Chunk;

    public int ChunkLength(int chunk) => Math.Min(Chunk, Pairs.Columns - (chunk * Chunk));

    public float* StudentAt(int view, int sample, int column) => Student + ((((nint)view * Pairs.Batch) + sample) * Pairs.Columns) + column;

    public float* TeacherAt(int view, int sample, int column) => Teacher + ((((nint)view * Pairs.Batch) + sample) * Pairs.Columns) + column;

    /// <summary>Floats of scratch memory a worker needs: a block of targets for each teacher view, one of sums.</summary>
    public int ScratchSize(int block) => (Pairs.Teachers + 1) * block;
}

/// <summary>Largest logit and exponential sum of a chunk of one teacher row. Tasks: [T·B, chunks].</summary>
internal unsafe struct TeacherSumsJob<V> : IJob where V : struct, IVec<V>
{
    public required DinoLossOperands Operands;
    public required ChunkSums* Sums;

    public readonly void Run(int task, int worker)
    {
        int chunk = task % Operands.Chunks, length = Operands.ChunkLength(chunk);
        float* teacher = Operands.TeacherAt(0, task / Operands.Chunks, chunk * DinoLossOperands.Chunk);
        float* centre = Operands.Centre + (chunk * DinoLossOperands.Chunk);
        float max = DinoLossKernels<V>.CentredMax(teacher, centre, length);
        double sum = 0;
        for (int i = 0; i < length; i += DinoLossKernels<V>.Block)
            sum += DinoLossKernels<V>.CentredExpSum(teacher + i, centre + i, Math.Min(DinoLossKernels<V>.Block, length - i), max, Operands.TeacherRate);
        Sums[task] = new ChunkSums { Max = max, ExpSum = sum };
    }
}

/// <summary>
/// All sums of one sample over a chunk: targets are formed once a block and meet every student view while they are in the first-level
/// cache. Tasks: [B, chunks].
/// </summary>
internal unsafe struct StudentSumsJob<V> : IJob where V : struct, IVec<V>
{
    public required DinoLossOperands Operands;

    /// <summary>[T·B] rows, and [T·B, chunks] and [S·B, chunks] sums to fill.</summary>
    public required TeacherRow* TeacherRows;
    public required ChunkSums* TeacherSums, StudentSums;
    public required float* Scratch;

    public readonly void Run(int task, int worker)
    {
        Backend.CropPairs pairs = Operands.Pairs;
        int sample = task / Operands.Chunks, chunk = task % Operands.Chunks, first = chunk * DinoLossOperands.Chunk, length = Operands.ChunkLength(chunk);
        float* targets = Scratch + ((nint)worker * Operands.ScratchSize(DinoLossKernels<V>.Block));
        float* others = targets + (pairs.Teachers * DinoLossKernels<V>.Block);
        for (int t = 0; t < pairs.Teachers; t++)
            (TeacherOf(t, sample, chunk).Weight, TeacherOf(t, sample, chunk).Dot) = (0, 0);
        for (int s = 0; s < pairs.Students; s++)
            StudentOf(s, sample, chunk) = new ChunkSums { Max = DinoLossKernels<V>.Max(Operands.StudentAt(s, sample, first), length) };

        for (int i = 0; i < length; i += DinoLossKernels<V>.Block)
        {
            int count = Math.Min(DinoLossKernels<V>.Block, length - i);
            for (int t = 0; t < pairs.Teachers; t++)
            {
                TeacherRow row = TeacherRows[(t * pairs.Batch) + sample];
                DinoLossKernels<V>.Targets(
                    Operands.TeacherAt(t, sample, first + i), Operands.Centre + first + i, count, row.Max, Operands.TeacherRate,
                    row.InverseSum, targets + (t * DinoLossKernels<V>.Block), out float weight, out float moment);
                TeacherOf(t, sample, chunk).Weight += weight;
                TeacherOf(t, sample, chunk).Dot += moment;
            }

            for (int s = 0; s < pairs.Students; s++)
            {
                if (s <= pairs.Teachers)
                    DinoLossKernels<V>.SumOthers(targets, pairs.Teachers, s, count, others);
                ref ChunkSums sums = ref StudentOf(s, sample, chunk);
                DinoLossKernels<V>.StudentSums(
                    Operands.StudentAt(s, sample, first + i), others, count, sums.Max, Operands.StudentRate, out float sum, out float dot);
                sums.ExpSum += sum;
                sums.Dot += dot;
            }
        }
    }

    private readonly ref ChunkSums TeacherOf(int view, int sample, int chunk) =>
        ref Unsafe.AsRef<ChunkSums>(TeacherSums + ((((nint)view * Operands.Pairs.Batch) + sample) * Operands.Chunks) + chunk);

    private readonly ref ChunkSums StudentOf(int view, int sample, int chunk) =>
        ref Unsafe.AsRef<ChunkSums>(StudentSums + ((((nint)view * Operands.Pairs.Batch) + sample) * Operands.Chunks) + chunk);
}

/// <summary>dstudent = gain (n_s p_s - Σ q_t) over a chunk of all student views of one sample. Tasks: [B, chunks].</summary>
internal unsafe struct StudentGradientJob<V> : IJob where V : struct, IVec<V>
{
    public required DinoLossOperands Operands;

    /// <summary>[2, S·B] and [2, T·B]: largest logits, then Σ exp((x - largest) / temperature).</summary>
    public required float* StudentSums, TeacherSums;
    public required float* Gradient, Scratch;
    public required float Gain;
    public required bool Accumulate;

    public readonly void Run(int task, int worker)
    {
        Backend.CropPairs pairs = Operands.Pairs;
        int sample = task / Operands.Chunks, chunk = task % Operands.Chunks, first = chunk * DinoLossOperands.Chunk;
        int end = first + Operands.ChunkLength(chunk);
        float* targets = Scratch + ((nint)worker * Operands.ScratchSize(DinoLossKernels<V>.Block));
        float* others = targets + (pairs.Teachers * DinoLossKernels<V>.Block);
        for (int i = first; i < end; i += DinoLossKernels<V>.Block)
        {
            int count = Math.Min(DinoLossKernels<V>.Block, end - i);
            for (int t = 0; t < pairs.Teachers; t++)
            {
                float* sums = TeacherSums + (t * pairs.Batch) + sample;
                DinoLossKernels<V>.Targets(
                    Operands.TeacherAt(t, sample, i), Operands.Centre + i, count, *sums, Operands.TeacherRate,
                    1 / sums[pairs.Teachers * pairs.Batch], targets + (t * DinoLossKernels<V>.Block));
            }

            for (int s = 0; s < pairs.Students; s++)
            {
                if (s <= pairs.Teachers)
                    DinoLossKernels<V>.SumOthers(targets, pairs.Teachers, s, count, others);
                float* student = Operands.StudentAt(s, sample, i), sums = StudentSums + (s * pairs.Batch) + sample;
                DinoLossKernels<V>.StudentGradient(
                    student, others, count, *sums, Operands.StudentRate, 1 / sums[pairs.Students * pairs.Batch],
                    pairs.TeachersOf(s), Gain, Accumulate, Gradient + (student - Operands.Student));
            }
        }
    }
}
