namespace Dino.Tensors.Backends;

/// <summary>DINO cross-entropy from elementwise operations and reductions: the oracle of the fused kernels. Stores targets [T·B, K].</summary>
public abstract partial class Backend
{
    public virtual partial void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentLogSumExp, in View teacherLogSumExp, in View teacherEntropy)
    {
        CropPairs pairs = new(student, teacher, centre, batch);
        using ScratchFrame scratch = OpenScratch();

        View targets = scratch.Take(teacher.Shape), product = scratch.Take(teacher.Shape);
        Targets(teacher, centre, teacherTemperature, targets);
        LogSumExp(targets, teacherLogSumExp);
        Binary(BinaryOp.Subtract, targets, teacherLogSumExp, targets, Broadcast.Column);
        Unary(UnaryOp.Exp, targets, product);
        Binary(BinaryOp.Multiply, product, targets, targets, Broadcast.None);
        SumAll(targets, teacherEntropy);
        Unary(UnaryOp.Affine, teacherEntropy, teacherEntropy, -1f / (pairs.Teachers * pairs.Batch));

        View logs = scratch.Take(student.Shape), view = scratch.Take([batch, pairs.Columns]);
        targets = product;
        Unary(UnaryOp.Affine, student, logs, 1f / studentTemperature);
        LogSumExp(logs, studentLogSumExp);
        Binary(BinaryOp.Subtract, logs, studentLogSumExp, logs, Broadcast.Column);
        for (int s = 0; s < pairs.Students; s++)
        {
            View row = pairs.Of(logs, s);
            if (TargetOfOthers(pairs, targets, s, view))
                Binary(BinaryOp.Multiply, row, view, row, Broadcast.None);
            else
                Fill(row, 0f);
        }

        SumAll(logs, loss);
        Unary(UnaryOp.Affine, loss, loss, (float)(-1.0 / pairs.Divisor));
    }

    public virtual partial void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentLogSumExp, in View teacherLogSumExp, in View dloss, in Destination dstudent)
    {
        if (!dstudent.IsWanted)
            return;
        CropPairs pairs = new(student, teacher, centre, batch);
        using ScratchFrame scratch = OpenScratch();
        View targets = scratch.Take(teacher.Shape);
        Targets(teacher, centre, teacherTemperature, targets);
        Binary(BinaryOp.Subtract, targets, teacherLogSumExp, targets, Broadcast.Column);
        Unary(UnaryOp.Exp, targets, targets);

        float alpha = (float)(1.0 / (studentTemperature * pairs.Divisor));
        View p = scratch.Take([batch, pairs.Columns]), others = scratch.Take([batch, pairs.Columns]);
        for (int s = 0; s < pairs.Students; s++)
        {
            Unary(UnaryOp.Affine, pairs.Of(student, s), p, 1f / studentTemperature);
            Binary(BinaryOp.Subtract, p, studentLogSumExp.Slice((long)s * batch, [batch]), p, Broadcast.Column);
            Unary(UnaryOp.Exp, p, p);
            if (TargetOfOthers(pairs, targets, s, others))
                Axpby(-1f, others, pairs.TeachersOf(s), p);
            else
                Fill(p, 0f);
            Binary(BinaryOp.Multiply, p, dloss, p, Broadcast.Scalar);
            Axpby(alpha, p, dstudent.Beta, pairs.Of(dstudent.View, s));
        }
    }

    /// <summary>y = (teacher - centre) / temperature.</summary>
    private void Targets(in View teacher, in View centre, float temperature, in View y)
    {
        Binary(BinaryOp.Subtract, teacher, centre, y, Broadcast.Row);
        Unary(UnaryOp.Affine, y, y, 1f / temperature);
    }

    /// <summary>y [B, K] = Σ of the targets that student view s is compared with; false where there are none.</summary>
    private bool TargetOfOthers(in CropPairs pairs, in View targets, int s, in View y)
    {
        bool any = false;
        for (int t = 0; t < pairs.Teachers; t++)
        {
            if (t == s)
                continue;
            Axpby(1f, pairs.Of(targets, t), any ? 1f : 0f, y);
            any = true;
        }

        return any;
    }

    /// <summary>y [1] = Σ x, rows first.</summary>
    private void SumAll(in View x, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        int rows = checked((int)x.Rows);
        View sums = scratch.Take([rows]);
        Reduce(ReduceOp.Sum, x.As([rows, x.Columns, 1]), new Destination(sums));
        Reduce(ReduceOp.Sum, sums.As([1, rows, 1]), new Destination(y.As([1, 1])));
    }

    /// <summary>Which teacher view is compared with which student view: all but itself.</summary>
    internal readonly struct CropPairs
    {
        public CropPairs(in View student, in View teacher, in View centre, int batch)
        {
            if (batch <= 0 || student.Rows % batch != 0 || teacher.Rows % batch != 0)
                throw new ShapeMismatchException($"DinoLoss: student {student.Shape} and teacher {teacher.Shape} are not whole views of {batch} samples.");
            if (student.Columns != teacher.Columns || centre.Count != student.Columns)
                throw new ShapeMismatchException($"DinoLoss: student {student.Shape}, teacher {teacher.Shape} and centre {centre.Shape} differ in prototypes.");
            (Batch, Columns) = (batch, student.Columns);
            (Students, Teachers) = ((int)(student.Rows / batch), (int)(teacher.Rows / batch));
            if (Count <= 0)
                throw new ShapeMismatchException($"DinoLoss: {Teachers} teacher and {Students} student views make no pair of different views.");
        }

        public int Batch { get; }

        /// <summary>K, the number of prototypes.</summary>
        public int Columns { get; }

        public int Students { get; }

        public int Teachers { get; }

        /// <summary>Number of pairs (t, s), s ≠ t.</summary>
        public int Count => (Teachers * Students) - Math.Min(Teachers, Students);

        /// <summary>What the sum over samples and pairs is divided by.</summary>
        public double Divisor => (double)Batch * Count;

        /// <summary>Number of teacher views that student view s is compared with.</summary>
        public int TeachersOf(int s) => s < Teachers ? Teachers - 1 : Teachers;

        /// <summary>The rows [B, K] of one view.</summary>
        public View Of(in View logits, int view) => logits.Slice((long)view * Batch * Columns, [Batch, Columns]);
    }
}
