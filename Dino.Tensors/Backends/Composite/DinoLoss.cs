namespace Dino.Tensors.Backends;

/// <summary>DINO cross-entropy from elementwise operations and reductions: the oracle of the fused kernels. Stores targets [T·B, K].</summary>
public abstract partial class Backend
{
    public virtual partial void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentSums, in View teacherSums, in View teacherEntropy)
    {
        CropPairs pairs = new(student, teacher, centre, batch);
        using ScratchFrame scratch = OpenScratch();

        View targets = scratch.Take(teacher.Shape), product = scratch.Take(teacher.Shape);
        Binary(BinaryOp.Subtract, teacher, centre, targets, Broadcast.Row);
        RowSums(targets, teacherTemperature, teacherSums);
        LogProbabilities(targets, teacherTemperature, teacherSums, targets);
        Unary(UnaryOp.Exp, targets, product);
        Binary(BinaryOp.Multiply, product, targets, targets, Broadcast.None);
        SumAll(targets, teacherEntropy);
        Unary(UnaryOp.Affine, teacherEntropy, teacherEntropy, -1f / (pairs.Teachers * pairs.Batch));

        View logs = scratch.Take(student.Shape), view = scratch.Take([batch, pairs.Columns]);
        targets = product;
        RowSums(student, studentTemperature, studentSums);
        LogProbabilities(student, studentTemperature, studentSums, logs);
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

    public virtual partial void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentSums, in View teacherSums, in View dloss, in Destination dstudent)
    {
        if (!dstudent.IsWanted)
            return;
        CropPairs pairs = new(student, teacher, centre, batch);
        using ScratchFrame scratch = OpenScratch();
        View targets = scratch.Take(teacher.Shape);
        Binary(BinaryOp.Subtract, teacher, centre, targets, Broadcast.Row);
        Probabilities(targets, teacherTemperature, teacherSums.Slice(0, [pairs.Teachers * batch]), teacherSums.Slice(pairs.Teachers * batch, [pairs.Teachers * batch]), targets);

        float alpha = (float)(1.0 / (studentTemperature * pairs.Divisor));
        View p = scratch.Take([batch, pairs.Columns]), others = scratch.Take([batch, pairs.Columns]);
        for (int s = 0; s < pairs.Students; s++)
        {
            Probabilities(pairs.Of(student, s), studentTemperature, studentSums.Slice((long)s * batch, [batch]), studentSums.Slice((long)(pairs.Students + s) * batch, [batch]), p);
            if (TargetOfOthers(pairs, targets, s, others))
                Axpby(-1f, others, pairs.TeachersOf(s), p);
            else
                Fill(p, 0f);
            Binary(BinaryOp.Multiply, p, dloss, p, Broadcast.Scalar);
            Axpby(alpha, p, dstudent.Beta, pairs.Of(dstudent.View, s));
        }
    }

    /// <summary>sums [2, R]: the largest element of each row of x, and Σ exp((x - largest) / temperature).</summary>
    private void RowSums(in View x, float temperature, in View sums)
    {
        using ScratchFrame scratch = OpenScratch();
        int rows = checked((int)x.Rows), columns = x.Columns;
        View largest = sums.Slice(0, [rows]), shifted = scratch.Take(x.Shape);
        Reduce(ReduceOp.Max, x.As([rows, columns, 1]), new Destination(largest));
        Binary(BinaryOp.Subtract, x, largest, shifted, Broadcast.Column);
        Unary(UnaryOp.Affine, shifted, shifted, 1f / temperature);
        Unary(UnaryOp.Exp, shifted, shifted);
        Reduce(ReduceOp.Sum, shifted.As([rows, columns, 1]), new Destination(sums.Slice(rows, [rows])));
    }

    /// <summary>y = (x - largest) / temperature - log Σ.</summary>
    private void LogProbabilities(in View x, float temperature, in View sums, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        int rows = checked((int)x.Rows);
        View logs = scratch.Take([rows]);
        Binary(BinaryOp.Subtract, x, sums.Slice(0, [rows]), y, Broadcast.Column);
        Unary(UnaryOp.Affine, y, y, 1f / temperature);
        Unary(UnaryOp.Log, sums.Slice(rows, [rows]), logs);
        Binary(BinaryOp.Subtract, y, logs, y, Broadcast.Column);
    }

    /// <summary>y = exp((x - largest) / temperature) / Σ.</summary>
    private void Probabilities(in View x, float temperature, in View largest, in View sums, in View y)
    {
        Binary(BinaryOp.Subtract, x, largest, y, Broadcast.Column);
        Unary(UnaryOp.Affine, y, y, 1f / temperature);
        Unary(UnaryOp.Exp, y, y);
        Binary(BinaryOp.Divide, y, sums, y, Broadcast.Column);
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
