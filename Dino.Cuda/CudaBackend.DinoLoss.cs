using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>The DINO cross-entropy, which stores no probabilities: the teacher's rows, then all views of a sample over a chunk of prototypes, then the chunks.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Threads of a block, and how many prototypes they take at a time, as in <c>dino_loss.cu</c>.</summary>
    private const int TeacherThreads = 1024, CrossThreads = 256, CrossLength = 16 * CrossThreads, GradientLength = 8 * CrossThreads, TotalThreads = 1024;

    /// <summary>log2 e: kernels raise 2 to a power, which the device does in one instruction.</summary>
    private const double Log2E = 1.4426950408889634;

    private readonly record struct DinoLogits(
        nint Student, nint Teacher, nint Centre, int Students, int Teachers, int Batch, int Columns, float StudentRate, float TeacherRate);

    private readonly record struct DinoTeacherArguments(DinoLogits Logits, nint Sums, nint Entropies, float InverseTemperature, int Padding = 0);

    private readonly record struct DinoCrossArguments(DinoLogits Logits, nint TeacherSums, nint ChunkSums, int Chunks, int Padding = 0);

    private readonly record struct DinoTotalArguments(
        nint ChunkSums, nint Entropies, nint StudentSums, nint Loss, nint Entropy, double InverseTemperature, double InverseDivisor,
        int Students, int Teachers, int Batch, int Chunks, float StudentRate, int Padding = 0);

    private readonly record struct DinoGradientArguments(
        DinoLogits Logits, nint StudentSums, nint TeacherSums, nint LossGradient, nint Gradient, double Scale, int Chunks, int Accumulate);

    public override void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentSums, in View teacherSums, in View teacherEntropy)
    {
        RequireF32(nameof(DinoLoss), student.DType | teacher.DType | centre.DType);
        CropPairs pairs = new(student, teacher, centre, batch);
        DinoLogits logits = Logits(pairs, student, teacher, centre, studentTemperature, teacherTemperature);
        int teacherRows = pairs.Teachers * batch, studentRows = pairs.Students * batch, chunks = ((pairs.Columns - 1) / CrossLength) + 1;
        using ScratchFrame scratch = OpenScratch();
        nint entropies = scratch.Take([teacherRows]).Address, chunkSums = scratch.Take([studentRows, chunks, 4]).Address;
        Launch(_kernels["dino_loss", "dino_teacher"], new DinoTeacherArguments(logits, teacherSums.Address, entropies, 1f / teacherTemperature), teacherRows, TeacherThreads);
        Launch(_kernels["dino_loss", "dino_cross"], new DinoCrossArguments(logits, teacherSums.Address, chunkSums, chunks), (long)batch * chunks, CrossThreads);
        DinoTotalArguments total = new(
            chunkSums, entropies, studentSums.Address, loss.Address, teacherEntropy.Address, 1.0 / studentTemperature, 1.0 / pairs.Divisor,
            pairs.Students, pairs.Teachers, batch, chunks, logits.StudentRate);
        Launch(_kernels["dino_loss", "dino_total"], total, 1, TotalThreads);
    }

    public override void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentSums, in View teacherSums, in View dloss, in Destination dstudent)
    {
        if (!dstudent.IsWanted)
            return;
        RequireF32(nameof(DinoLossBackward), student.DType | teacher.DType | centre.DType | dstudent.View.DType);
        CropPairs pairs = new(student, teacher, centre, batch);
        int chunks = ((pairs.Columns - 1) / GradientLength) + 1;
        DinoGradientArguments arguments = new(
            Logits(pairs, student, teacher, centre, studentTemperature, teacherTemperature), studentSums.Address, teacherSums.Address, dloss.Address,
            dstudent.View.Address, 1.0 / (studentTemperature * pairs.Divisor), chunks, dstudent.Accumulate ? 1 : 0);
        Launch(_kernels["dino_loss", "dino_gradient"], arguments, (long)batch * chunks, CrossThreads);
    }

    private static DinoLogits Logits(in CropPairs pairs, in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature) => new(
        student.Address, teacher.Address, centre.Address, pairs.Students, pairs.Teachers, pairs.Batch, pairs.Columns,
        (float)(Log2E / studentTemperature), (float)(Log2E / teacherTemperature));
}
