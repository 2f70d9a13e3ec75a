namespace Dino.Tensors.Backends;

/// <summary>
/// The seam between the library and a device: every computation is one of these members. A backend writes into destinations it is
/// given, allocates nothing but scratch, and knows nothing of autograd. The abstract members are the primitives; the virtual ones
/// are fused operations with a default composed of primitives (in <c>Backends/Composite</c>), so that a new device works after the
/// primitives and gets faster one override at a time.
/// </summary>
/// <remarks>
/// Views are contiguous and F32 unless said otherwise; indices are I32. Where <see cref="InnerType"/> is BF16, operands may be BF16 that their members call
/// inner. [R, C] means "last axis C, all others R". Destinations may
/// not overlap sources unless a member says so. Gradients follow <see cref="Destination"/>: unwanted, overwrite or accumulate.
/// </remarks>
public abstract partial class Backend : IDisposable
{
    /// <summary>
    /// Element type of what the parts of a layer hand to each other, norm to product to attention: F32, or BF16 where products round to it anyway, so
    /// that half the memory is moved. What runs on from layer to layer, parameters and their gradients stay F32.
    /// </summary>
    public virtual DType InnerType => DType.F32;

    /// <summary>
    /// Whether a branch of a network had better leave out the samples that are dropped in this step than multiply them by 0. Not where recorded steps are replayed:
    /// all steps must then have the same sizes.
    /// </summary>
    public virtual bool LeavesOutDropped => false;

    // Memory. Slabs are 64-byte aligned at least.
    /// <summary>Allocates device memory, uninitialised.</summary>
    public abstract nint Allocate(long bytes);
    /// <summary>Frees what <see cref="Allocate"/> returned.</summary>
    public abstract void Free(nint address, long bytes);
    /// <summary>Copies host bytes into y (same size).</summary>
    public abstract void Upload(ReadOnlySpan<byte> source, in View y);
    /// <summary>Copies x into host bytes (same size), after all work queued before.</summary>
    public abstract void Download(in View x, Span<byte> destination);

    // Data movement, any element type.
    /// <summary>y = value.</summary>
    public abstract void Fill(in View y, float value);
    /// <summary>y = x, same element type and count.</summary>
    public abstract void Copy(in View x, in View y);
    /// <summary>Walks x and y in step: y = x, or y += x (F32). Both have the same shape; strides are arbitrary.</summary>
    public abstract void CopyStrided(in StridedView x, in StridedView y, bool accumulate);
    /// <summary>y = x converted to y's element type (to nearest even; floats to I32/U8 truncate, U8 saturates).</summary>
    public abstract void Cast(in View x, in View y);
    /// <summary>Element i of y is uniform in [low, high): word i % 4 of block i / 4 of the key's stream.</summary>
    public abstract void RandomUniform(in View y, RandomKey key, float low, float high);
    /// <summary>Normal by Box-Muller from words (0,1) and (2,3) of each block.</summary>
    public abstract void RandomNormal(in View y, RandomKey key, float mean, float deviation);

    // Elementwise.
    /// <summary>y = op(x); y may be x. Of GELU and Relu, x and y are inner.</summary>
    public abstract void Unary(UnaryOp op, in View x, in View y, float a = 0, float b = 0);
    /// <summary>dx = dy · op'(x); y is the forward result. dx may be dy. Of GELU and Relu, all are inner.</summary>
    public abstract void UnaryBackward(UnaryOp op, in View x, in View y, in View dy, in Destination dx, float a = 0, float b = 0);
    /// <summary>y = a op b, b repeated over a seen as [R, C]; y may be a.</summary>
    public abstract void Binary(BinaryOp op, in View a, in View b, in View y, Broadcast broadcast);
    /// <summary>y = alpha x + beta y; beta 0 does not read y.</summary>
    public abstract void Axpby(float alpha, in View x, float beta, in View y);

    // Reductions: x is [outer, n, inner], y is [outer, inner].
    /// <summary>Reduces the middle axis. Summation error grows like log n (pairwise or wide accumulators), not n. The x of a sum is inner.</summary>
    public abstract void Reduce(ReduceOp op, in View x, in Destination y);
    /// <summary>Index of the first largest (or smallest) element of the middle axis, I32.</summary>
    public abstract void ArgReduce(bool largest, in View x, in View y);
    /// <summary>The k largest of each row, in falling order, ties by rising index: values [R, k] and indices [R, k].</summary>
    public abstract void TopK(in View x, in View values, in View indices);

    // Matrix products.
    /// <summary>A batch of strided products; see <see cref="MatMulArguments"/>.</summary>
    public abstract void MatMul(in MatMulArguments arguments);

    // Indexing rows [n, C].
    /// <summary>y[i] = x[indices[i]].</summary>
    public abstract void GatherRows(in View x, in View indices, in View y);
    /// <summary>y[indices[i]] += x[i], in rising order of i.</summary>
    public abstract void ScatterAddRows(in View x, in View indices, in View y);

    // Windows over channels-last pictures [N, H, W, C].
    /// <summary>y [N·OH·OW, KH·KW·C] = the windows of x, zeros outside.</summary>
    public abstract void Im2Col(in View x, in Window window, in View y);
    /// <summary>The transpose of <see cref="Im2Col"/>: sums windows back into dx.</summary>
    public abstract void Col2Im(in View dy, in Window window, in Destination dx);
    /// <summary>y [N, OH, OW, C] = pooled windows.</summary>
    public abstract void Pool(PoolOp op, in View x, in Window window, in View y);
    /// <summary>Gradient of <see cref="Pool"/>.</summary>
    public abstract void PoolBackward(PoolOp op, in View x, in View dy, in Window window, in Destination dx);

    // Fused: layers.
    /// <summary>
    /// y [R, N] = residual [R, N] + factors · activation(x [R, K] · weightᵀ [N, K] + bias [N]); preActivation [R, N] is stored when it exists; bias and
    /// residual are optional, and so are factors [F]: each for R / F rows that follow each other. x, weight and, without residual and factors, y and preActivation are inner.
    /// </summary>
    public virtual partial void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual = default, in View factors = default);
    /// <summary>Bytes that <see cref="Pack"/> writes for a weight [N, K].</summary>
    public virtual partial long PackedBytes(WeightFormat format, int outputs, int inputs);
    /// <summary>Writes a weight [N, K] in the format and in an order of this backend's choice.</summary>
    public virtual partial void Pack(in View weight, in PackedView packed);
    /// <summary>y [R, N] = residual [R, N] + activation(x [R, K] · weightᵀ + bias [N]); bias and residual are optional, and the residual may be y. x and, without residual, y are inner.</summary>
    public virtual partial void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y);
    /// <summary>Rows to probabilities, max-subtracted.</summary>
    public virtual partial void Softmax(in View x, in View y);
    /// <summary>dx = y (dy - Σ y dy).</summary>
    public virtual partial void SoftmaxBackward(in View y, in View dy, in Destination dx);
    /// <summary>Rows to log-probabilities.</summary>
    public virtual partial void LogSoftmax(in View x, in View y);
    /// <summary>dx = dy - e^y Σ dy.</summary>
    public virtual partial void LogSoftmaxBackward(in View y, in View dy, in Destination dx);
    /// <summary>y [R, C] = (x - mean) · rstd · gamma + beta; gamma and beta [C] optional; writes mean [R] and rstd [R]. y is inner.</summary>
    public virtual partial void LayerNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd);
    /// <summary>Gradient of <see cref="LayerNorm"/>; dy is inner.</summary>
    public virtual partial void LayerNormBackward(in View x, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta);
    /// <summary><see cref="LayerNorm"/> of some samples [S] of x [B, .., C], indices of its first axis: y [S, .., C]; mean and rstd have an element for each row of y. y is inner.</summary>
    public virtual partial void SampleLayerNorm(in View x, in View samples, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd);
    /// <summary>Gradient of <see cref="SampleLayerNorm"/>, where no sample comes twice; that of other samples is 0. dy is inner.</summary>
    public virtual partial void SampleLayerNormBackward(in View x, in View samples, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta);
    /// <summary>
    /// y [B, .., N] = residual, and at the samples [S] of its first axis, rising, residual + factors [S] · (x [S, .., K] · weightᵀ [N, K] + bias [N]); bias is optional. x and weight
    /// are inner.
    /// </summary>
    public virtual partial void SampleLinear(in View x, in View samples, in View weight, in View bias, in View residual, in View factors, in View y);
    /// <summary>
    /// y = residual + factors · (gelu(x [R, K] · firstᵀ + firstBias) · secondᵀ + secondBias); preActivation [R, H], what GELU is applied to, is stored when it exists. Residual and
    /// factors are optional as in <see cref="Linear"/>; with samples both are there, as in <see cref="SampleLinear"/>. x and preActivation are inner.
    /// </summary>
    public virtual partial void Mlp(in View x, in MlpViews mlp, in View preActivation, in View residual, in View samples, in View factors, in View y);
    /// <summary>Gradients of <see cref="Mlp"/> but for that of the residual, which is dy. Those of the second layer are written before those of the first. x, preActivation and dx are inner.</summary>
    public virtual partial void MlpBackward(in View x, in MlpViews mlp, in View preActivation, in View samples, in View factors, in View dy, in Destination dx, in MlpGradients gradients);
    /// <summary>y[i] = factors[i] · x[samples[i]].</summary>
    public virtual partial void GatherScaled(in View x, in View samples, in View factors, in View y);
    /// <summary>Train-mode batch norm of x [R, C] over R; writes mean [C] and biased variance [C]; gamma and beta optional.</summary>
    public virtual partial void BatchNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View variance);
    /// <summary>Gradient of <see cref="BatchNorm"/>.</summary>
    public virtual partial void BatchNormBackward(in View x, in View gamma, in View mean, in View variance, float epsilon, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta);
    /// <summary>y [R, C] = x / max(‖x‖, epsilon) by rows; writes the norms [R], not clamped.</summary>
    public virtual partial void Normalize(in View x, float epsilon, in View y, in View norms);
    /// <summary>Gradient of <see cref="Normalize"/>; below epsilon the divisor is a constant.</summary>
    public virtual partial void NormalizeBackward(in View y, in View norms, float epsilon, in View dy, in Destination dx);
    /// <summary>w [R, C] = g [R] · v / ‖v‖ by rows; writes the norms [R].</summary>
    public virtual partial void WeightNorm(in View v, in View g, in View w, in View norms);
    /// <summary>Gradient of <see cref="WeightNorm"/>; dv may be dw.</summary>
    public virtual partial void WeightNormBackward(in View v, in View g, in View norms, in View dw, in Destination dv, in Destination dg);
    /// <summary>
    /// Multi-head self-attention over packed qkv [B, N, 3, H, D]: y [B, N, H·D] = softmax(scale q kᵀ) v. Writes logSumExp [B, H, N] of the
    /// scaled scores, and probabilities [B, H, N, N] when that view exists. qkv and y are inner, of one type.
    /// </summary>
    public virtual partial void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities);
    /// <summary>Gradient of <see cref="Attention"/>; recomputes the probabilities from logSumExp. qkv, y, dy and dqkv are inner, of one type.</summary>
    public virtual partial void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv);
    /// <summary>
    /// y = qkv [B, N, 3, H, D] with the queries and keys of the last P tokens turned: of elements j and j + D/2, a and b, token p makes a cos - b sin
    /// and b cos + a sin, with cosines turns[0, p, j] and sines turns[1, p, j]; turns is [2, P, D/2]. Inverse turns back. y may be qkv.
    /// </summary>
    public virtual partial void Rotate(in View qkv, in View turns, bool inverse, in Destination y);

    // Fused: search.
    /// <summary>
    /// The k largest elements of each row of x [M, D] · memoryᵀ [N, D] + offsets [N], in falling order, ties by rising index: values [M, k] and indices
    /// [M, k], k at most N. offsets are optional.
    /// </summary>
    public virtual partial void TopProducts(in View x, in View memory, in View offsets, in View values, in View indices);

    // Fused: losses.
    /// <summary>
    /// DINO cross-entropy. student [S·B, K] and teacher [T·B, K] hold raw logits, view-major; centre [K]. Teacher targets are
    /// q = softmax((teacher - centre) / teacherTemperature). loss [1] = mean over B and over all pairs (t, s), s ≠ t, of
    /// -Σ q_t log softmax(student_s / studentTemperature). Writes the sums of each row, studentSums [2, S·B] and teacherSums [2, T·B] (first the
    /// largest logit, teacher less centre; then Σ exp((x - largest) / temperature): a log-sum-exp would round away digits of large logits), and
    /// teacherEntropy [1], the mean entropy of the targets in nats.
    /// </summary>
    public virtual partial void DinoLoss(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View loss, in View studentSums, in View teacherSums, in View teacherEntropy);
    /// <summary>Gradient of <see cref="DinoLoss"/> with respect to the student's logits, times dloss [1].</summary>
    public virtual partial void DinoLossBackward(in View student, in View teacher, in View centre, float studentTemperature, float teacherTemperature, int batch, in View studentSums, in View teacherSums, in View dloss, in Destination dstudent);

    // Fused: optimizers over segments of flat buffers. Segments never overlap. Steps may clip and be followed on their sweep: see SweepExtras.
    /// <summary>Norm of each segment of the gradient into norms [segments]; with maxNorm > 0 also scales each segment by min(1, maxNorm / (norm + 1e-6)).</summary>
    public virtual partial void ClipEach(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms);
    /// <summary>Norm of all segments together into norm [1]; with maxNorm > 0 also scales all of them by min(1, maxNorm / (norm + 1e-6)).</summary>
    public virtual partial void ClipTogether(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norm);
    /// <summary>Adam(W) step; first and second moments are zero before step 1 of a segment whatever the buffers hold.</summary>
    public virtual partial void Adam(in View parameter, in View gradient, in View first, in View second, ReadOnlySpan<Segment> segments, AdamConstants constants, in SweepExtras extras = default);
    /// <summary>SGD step; decay is added to the gradient; at step 1 the momentum buffer becomes the gradient.</summary>
    public virtual partial void Sgd(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, SgdConstants constants, in SweepExtras extras = default);
    /// <summary>LARS step of the official DINO code: adapted segments decay and scale by trust · ‖p‖ / ‖g + wd p‖ (1 where either norm is 0).</summary>
    public virtual partial void Lars(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, LarsConstants constants, in SweepExtras extras = default);

    /// <summary>Waits for queued work; nothing to do where calls are synchronous.</summary>
    public virtual void Synchronize() { }

    /// <summary>For work that will be repeated; where nothing is gained by recording, it does nothing.</summary>
    public virtual Repetition CreateRepetition() => new();

    /// <summary>Makes views of pictures on the device; null where that is left to <c>Dino.Imaging</c>.</summary>
    public virtual Augmentation? CreateAugmentation() => null;

    /// <summary>Releases scratch memory.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the backend owns.</summary>
    protected virtual void Dispose(bool disposing) => ReleaseScratch();
}
