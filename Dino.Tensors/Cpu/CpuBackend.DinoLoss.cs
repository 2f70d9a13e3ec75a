using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// DINO cross-entropy that never stores probabilities: one pass over the teacher for its normalisers, one over teacher and student for
/// all sums of both. Chunks of rows are joined on the caller's thread in double, in a fixed order.
/// </summary>
/// <remarks>
/// The loss of a row is n log Σ exp((s - max) / τ) - Σ q (s - max) / τ: no term grows with a shift of the logits. Since Σ q = 1, shifts
/// between chunks use the sums of q as they were computed.
/// </remarks>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentSums, in View teacherSums, in View teacherEntropy)
    {
        CropPairs pairs = new(student, teacher, centre, batch);
        DinoLossOperands operands = Operands(pairs, student, teacher, centre, studentTemperature, teacherTemperature);
        int teacherRows = pairs.Teachers * batch, studentRows = pairs.Students * batch, chunks = operands.Chunks;
        using ScratchFrame scratch = OpenScratch();
        ChunkSums* teacherChunks = (ChunkSums*)scratch.Take([teacherRows, chunks, sizeof(ChunkSums)], DType.U8).Address;
        ChunkSums* studentChunks = (ChunkSums*)scratch.Take([studentRows, chunks, sizeof(ChunkSums)], DType.U8).Address;
        TeacherRow* rows = (TeacherRow*)scratch.Take([teacherRows, sizeof(TeacherRow)], DType.U8).Address;

        TeacherSumsJob<V> teacherJob = new() { Operands = operands, Sums = teacherChunks };
        RunTiles(teacherRows * chunks, teacher.Count, ref teacherJob);
        for (int row = 0; row < teacherRows; row++)
        {
            ChunkSums* sums = teacherChunks + ((nint)row * chunks);
            (float max, double sum) = Join(sums, chunks, teacherTemperature);
            rows[row] = new TeacherRow { Max = max, InverseSum = (float)(1 / sum), LogSum = Math.Log(sum) };
            (teacherSums.F32[row], teacherSums.F32[teacherRows + row]) = (max, (float)sum);
        }

        StudentSumsJob<V> studentJob = new()
        {
            Operands = operands, TeacherRows = rows, TeacherSums = teacherChunks, StudentSums = studentChunks,
            Scratch = scratch.Take([Workers.Threads, operands.ScratchSize(DinoLossKernels<V>.Block)]).F32,
        };
        RunTiles(batch * chunks, student.Count, ref studentJob);
        *teacherEntropy.F32 = (float)(TotalEntropy(rows, teacherChunks, teacherRows, chunks) / teacherRows);
        *loss.F32 = (float)(TotalLoss(pairs, teacherChunks, studentChunks, chunks, studentTemperature, studentSums.F32) / pairs.Divisor);
    }

    public override void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentSums, in View teacherSums, in View dloss, in Destination dstudent)
    {
        if (!dstudent.IsWanted)
            return;
        CropPairs pairs = new(student, teacher, centre, batch);
        DinoLossOperands operands = Operands(pairs, student, teacher, centre, studentTemperature, teacherTemperature);
        using ScratchFrame scratch = OpenScratch();
        StudentGradientJob<V> job = new()
        {
            Operands = operands, StudentSums = studentSums.F32, TeacherSums = teacherSums.F32,
            Gradient = dstudent.View.F32, Accumulate = dstudent.Accumulate,
            Gain = (float)(*dloss.F32 / (studentTemperature * pairs.Divisor)),
            Scratch = scratch.Take([Workers.Threads, operands.ScratchSize(DinoLossKernels<V>.Block)]).F32,
        };
        RunTiles(batch * operands.Chunks, student.Count, ref job);
    }

    private static DinoLossOperands Operands(in CropPairs pairs, in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature) => new()
    {
        Pairs = pairs, Student = student.F32, Teacher = teacher.F32, Centre = centre.F32,
        StudentRate = 1f / studentTemperature, TeacherRate = 1f / teacherTemperature,
    };

    /// <summary>Largest logit of a row and Σ exp((x - largest) / temperature), from its chunks.</summary>
    private static (float Max, double Sum) Join(ChunkSums* sums, int chunks, float temperature)
    {
        float max = sums[0].Max;
        for (int i = 1; i < chunks; i++)
            max = Math.Max(max, sums[i].Max);
        double sum = 0;
        for (int i = 0; i < chunks; i++)
            sum += sums[i].ExpSum * Math.Exp(((double)sums[i].Max - max) / temperature);
        return (max, sum);
    }

    /// <summary>-Σ q log q over all rows of the teacher: log q = x - log Σ exp x.</summary>
    private static double TotalEntropy(TeacherRow* rows, ChunkSums* sums, int count, int chunks)
    {
        double total = 0;
        for (int row = 0; row < count; row++)
        {
            total += rows[row].LogSum;
            for (int i = 0; i < chunks; i++)
                total -= sums[((nint)row * chunks) + i].Dot;
        }

        return total;
    }

    /// <summary>Σ over all pairs and samples of -Σ q log p; writes the sums of the student's rows.</summary>
    private static double TotalLoss(in CropPairs pairs, ChunkSums* teacherSums, ChunkSums* studentSums, int chunks, float temperature, float* rowSums)
    {
        double total = 0;
        for (int s = 0; s < pairs.Students; s++)
        {
            for (int sample = 0; sample < pairs.Batch; sample++)
            {
                nint row = ((nint)s * pairs.Batch) + sample;
                ChunkSums* sums = studentSums + (row * chunks);
                (float max, double expSum) = Join(sums, chunks, temperature);
                double logSum = Math.Log(expSum), cross = 0;
                for (int i = 0; i < chunks; i++)
                    cross += sums[i].Dot + (((double)sums[i].Max - max) * WeightOfOthers(pairs, teacherSums, s, sample, i, chunks));
                (rowSums[row], rowSums[((nint)pairs.Students * pairs.Batch) + row]) = (max, (float)expSum);
                total += (pairs.TeachersOf(s) * logSum) - (cross / temperature);
            }
        }

        return total;
    }

    private static double WeightOfOthers(in CropPairs pairs, ChunkSums* teacherSums, int s, int sample, int chunk, int chunks)
    {
        double weight = 0;
        for (int t = 0; t < pairs.Teachers; t++)
        {
            if (t != s)
                weight += teacherSums[((((nint)t * pairs.Batch) + sample) * chunks) + chunk].Weight;
        }

        return weight;
    }
}
