using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The DINO cross-entropy between crops.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// Mean over all pairs of a teacher view and another student view of the cross-entropy between softmax((teacher - centre) / teacherTemperature)
    /// and softmax(student / studentTemperature). This tensor holds the student's logits [S·B, K], view-major.
    /// </summary>
    /// <param name="teacher">The teacher's raw logits [T·B, K]; view t of the teacher and of the student are the same crop.</param>
    /// <param name="centre">[K].</param>
    /// <param name="studentTemperature">0.1 in the paper.</param>
    /// <param name="teacherTemperature">0.04 to 0.07 in the paper.</param>
    /// <param name="batch">B.</param>
    /// <param name="teacherEntropy">Mean entropy of the teacher's targets, in nats [1]; carries no gradient. KL = loss - entropy.</param>
    /// <returns>The loss [1].</returns>
    /// <exception cref="ShapeMismatchException">Row counts are not multiples of the batch, or K differs.</exception>
    /// <exception cref="InvalidOperationException">The teacher or the centre requires a gradient: neither gets one.</exception>
    /// <remarks>Caron et al. 2021, eq. 3 with the stop-gradient; same view skipped.</remarks>
    public Tensor DinoLoss(Tensor teacher, Tensor centre, float studentTemperature, float teacherTemperature, int batch, out Tensor teacherEntropy) =>
        DinoLossFunction.Apply(this, teacher, centre, studentTemperature, teacherTemperature, batch, out teacherEntropy);

    private sealed class DinoLossFunction : Function
    {
        private Tensor _student;
        private Tensor _teacher;
        private Tensor _centre;
        private View _studentSums;
        private View _teacherSums;
        private float _studentTemperature;
        private float _teacherTemperature;
        private int _batch;

        public static Tensor Apply(Tensor student, Tensor teacher, Tensor centre, float studentTemperature, float teacherTemperature, int batch, out Tensor teacherEntropy)
        {
            student.Require(DType.F32, nameof(DinoLoss));
            teacher.Require(DType.F32, nameof(DinoLoss));
            centre.Require(DType.F32, nameof(DinoLoss));
            Autograd.NoGradient.Demand(nameof(DinoLoss), teacher);
            Autograd.NoGradient.Demand(nameof(DinoLoss), centre);
            int prototypes = student.Shape[-1];
            if (student.Shape.Rank != 2 || teacher.Shape.Rank != 2 || teacher.Shape[1] != prototypes || centre.Count != prototypes)
                throw new ShapeMismatchException($"DinoLoss: student {student.Shape}, teacher {teacher.Shape} and centre {centre.Shape} must be [S·B, K], [T·B, K] and [K].");
            if (batch < 1 || student.Shape[0] % batch != 0 || teacher.Shape[0] % batch != 0)
                throw new ShapeMismatchException($"DinoLoss: student {student.Shape} and teacher {teacher.Shape} must have multiples of {batch} rows.");
            if (teacher.Shape[0] > student.Shape[0] || student.Shape[0] == batch)
                throw new ShapeMismatchException($"DinoLoss: the student {student.Shape} must see at least two views and all of the teacher's {teacher.Shape} (batch {batch}).");
            Scope scope = Scope.Of(nameof(DinoLoss), student, teacher, centre);
            Tensor loss = scope.Empty([1]);
            teacherEntropy = scope.Empty([1]);
            View studentSums = scope.Empty([2, student.Shape[0]]).View, teacherSums = scope.Empty([2, teacher.Shape[0]]).View;
            View flat = centre.View.As([prototypes]);
            scope.Backend.DinoLoss(student.View, teacher.View, flat, studentTemperature, teacherTemperature, batch,
                loss.View, studentSums, teacherSums, teacherEntropy.View);
            if (scope.Record<DinoLossFunction>(loss, student, teacher, centre) is { } node)
            {
                (node._student, node._teacher, node._centre, node._batch) = (student, teacher, centre, batch);
                (node._studentSums, node._teacherSums) = (studentSums, teacherSums);
                (node._studentTemperature, node._teacherTemperature) = (studentTemperature, teacherTemperature);
            }

            return loss;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_student) is { IsWanted: true } dstudent)
            {
                pass.Backend.DinoLossBackward(_student.View, _teacher.View, _centre.View.As([_student.Shape[1]]), _studentTemperature, _teacherTemperature, _batch,
                    _studentSums, _teacherSums, pass.OutputGradient, dstudent);
            }
        }
    }
}
