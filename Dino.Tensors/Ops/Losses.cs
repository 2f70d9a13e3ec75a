using System.Buffers;

namespace Dino.Tensors;

/// <summary>Losses, with torch's conventions. Gradients flow into targets too unless they are detached.</summary>
public readonly partial struct Tensor
{
    /// <summary>Cross-entropy of rows of logits with the class each row belongs to: -log softmax(x)[class].</summary>
    /// <param name="classes">One class in [0, K) for each row of this [.., K], or <paramref name="ignore"/>.</param>
    /// <param name="weight">Weight of each class [K], or <c>default</c> for 1; no gradient.</param>
    /// <param name="smoothing">Share of the target spread evenly over all classes.</param>
    /// <param name="ignore">Rows of this class do not count.</param>
    /// <param name="reduction">The mean is weighted by the rows' class weights.</param>
    /// <returns>[], or one element per row.</returns>
    /// <exception cref="ShapeMismatchException">Not one class per row, or the weight is not [K].</exception>
    /// <exception cref="ArgumentOutOfRangeException">A class is neither in [0, K) nor ignored.</exception>
    public Tensor CrossEntropy(ReadOnlySpan<int> classes, Tensor weight = default, float smoothing = 0, int ignore = -100, Reduction reduction = Reduction.Mean)
    {
        RequireLogits(weight);
        (int rows, int count) = (checked((int)View.Rows), Shape[-1]);
        if (classes.Length != rows)
            throw new ShapeMismatchException($"CrossEntropy: {classes.Length} classes for the {rows} rows of {Shape}.");
        Scope scope = Scope.Of(nameof(CrossEntropy), this, weight);
        (Tensor kept, Tensor chosen, Tensor positions) = UploadClasses(scope, classes, count, ignore);

        Tensor logs = LogSoftmax().Reshape(rows, count);
        Tensor factor = weight.Exists ? scope.Use(weight).IndexSelect(0, chosen) * kept : kept;
        Tensor loss = -logs.Reshape(rows * count).IndexSelect(0, positions).Keep(kept) * factor;
        if (smoothing > 0)
        {
            Tensor spread = -(weight.Exists ? logs * weight : logs).Sum([1]).Keep(kept);
            loss = (loss * (1 - smoothing)) + (spread * (smoothing / count));
        }

        return reduction switch
        {
            Reduction.Mean => loss.Sum() / factor.Sum(),
            Reduction.None => loss.Reshape(Shape.Without(-1)),
            _ => loss.Reduce(reduction),
        };
    }

    /// <summary>Cross-entropy of rows of logits with rows of probabilities: -Σ target · log softmax(x).</summary>
    /// <param name="target">Probabilities, shape of this [.., K].</param>
    /// <param name="weight">Weight of each class [K], or <c>default</c> for 1; no gradient.</param>
    /// <param name="smoothing">Share of the target spread evenly over all classes.</param>
    /// <param name="reduction">The mean is over rows.</param>
    /// <returns>[], or one element per row.</returns>
    /// <exception cref="ShapeMismatchException">The target has another shape, or the weight is not [K].</exception>
    public Tensor CrossEntropy(Tensor target, Tensor weight = default, float smoothing = 0, Reduction reduction = Reduction.Mean)
    {
        RequireLogits(weight);
        RequireSame(nameof(CrossEntropy), target);
        Tensor logs = LogSoftmax();
        if (weight.Exists)
            logs *= weight;
        if (smoothing > 0)
            target = (target * (1 - smoothing)) + (smoothing / Shape[-1]);
        return (-(logs * target).Sum([-1])).Reduce(reduction);
    }

    /// <summary>(x - target)².</summary>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public Tensor MeanSquaredError(Tensor target, Reduction reduction = Reduction.Mean)
    {
        RequireSame(nameof(MeanSquaredError), target);
        return (this - target).Square().Reduce(reduction);
    }

    /// <summary>With d = |x - target|: d² / 2β below β, d - β/2 above.</summary>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    /// <remarks>Girshick 2015, eq. 3.</remarks>
    public Tensor SmoothL1(Tensor target, float beta = 1, Reduction reduction = Reduction.Mean)
    {
        RequireSame(nameof(SmoothL1), target);
        Tensor distance = (this - target).Abs();
        if (beta <= 0)
            return distance.Reduce(reduction);
        // One formula for both sides: what exceeds beta counts linearly.
        Tensor near = distance.Clamp(high: beta);
        return ((near.Square() * (0.5f / beta)) + (distance - near)).Reduce(reduction);
    }

    /// <summary>-(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))), in a form that stays finite for any logit.</summary>
    /// <param name="target">Probabilities in [0, 1], shape of this.</param>
    /// <param name="reduction">What to do with the elements.</param>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public Tensor BinaryCrossEntropyWithLogits(Tensor target, Reduction reduction = Reduction.Mean)
    {
        RequireSame(nameof(BinaryCrossEntropyWithLogits), target);
        return (((1 - target) * this) + (-this).Softplus()).Reduce(reduction);
    }

    /// <summary>Σ target (log target - x): the divergence of the distribution whose logarithm this is from the target.</summary>
    /// <param name="target">Probabilities, shape of this; 0 log 0 = 0.</param>
    /// <param name="reduction"><see cref="Reduction.BatchMean"/> is the mathematical definition; Mean divides by the number of elements.</param>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public Tensor KlDivergence(Tensor target, Reduction reduction = Reduction.BatchMean)
    {
        RequireSame(nameof(KlDivergence), target);
        return ((target.Log().Keep(target.Detach()) - this) * target).Reduce(reduction);
    }

    private Tensor Reduce(Reduction reduction) => reduction switch
    {
        Reduction.Mean => Mean(),
        Reduction.Sum => Sum(),
        Reduction.BatchMean => Sum() / Shape[0],
        _ => this,
    };

    private void RequireSame(string operation, Tensor target)
    {
        if (target.Shape != Shape)
            throw new ShapeMismatchException($"{operation}: the input is {Shape}, the target {target.Shape}.");
    }

    private void RequireLogits(Tensor weight)
    {
        Require(DType.F32, nameof(CrossEntropy));
        if (Shape.Rank == 0)
            throw new ShapeMismatchException("CrossEntropy: logits must have at least one axis, the input is a scalar.");
        RequireChannels(nameof(CrossEntropy), this, weight, nameof(weight));
        if (weight.Exists)
            Autograd.NoGradient.Demand(nameof(CrossEntropy), weight);
    }

    /// <summary>For each row: 1 or 0 if ignored; its class, 0 if ignored; where its class lies in the flat logits.</summary>
    private static (Tensor Kept, Tensor Chosen, Tensor Positions) UploadClasses(Scope scope, ReadOnlySpan<int> classes, int count, int ignore)
    {
        int rows = classes.Length;
        float[] kept = ArrayPool<float>.Shared.Rent(rows);
        int[] chosen = ArrayPool<int>.Shared.Rent(rows), positions = ArrayPool<int>.Shared.Rent(rows);
        for (int i = 0; i < rows; i++)
        {
            bool counts = classes[i] != ignore;
            if (counts && (uint)classes[i] >= (uint)count)
                throw new ArgumentOutOfRangeException(nameof(classes), $"CrossEntropy: row {i} has class {classes[i]}; the logits have {count} classes.");
            kept[i] = counts ? 1 : 0;
            chosen[i] = counts ? classes[i] : 0;
            positions[i] = checked((i * count) + chosen[i]);
        }

        Shape shape = [rows];
        var uploaded = (scope.Upload(kept.AsSpan(0, rows), shape), scope.Upload(chosen.AsSpan(0, rows), shape), scope.Upload(positions.AsSpan(0, rows), shape));
        ArrayPool<float>.Shared.Return(kept);
        ArrayPool<int>.Shared.Return(chosen);
        ArrayPool<int>.Shared.Return(positions);
        return uploaded;
    }
}
