using Dino.Cuda.Execution;

namespace Dino.Cuda.Native;

/// <summary>Matrix products by cuBLASLt: a handle, memory to work in, and a plan for every shape that has come up.</summary>
/// <remarks>
/// The library's matrices are stored by columns. A row-major matrix is the transpose of what the library sees, so it is given yᵀ = op(b)ᵀ · op(a)ᵀ: b
/// first, each as it lies, with the transposition asked for, and nothing is copied.
/// </remarks>
internal sealed unsafe class CublasLt : IDisposable
{
    /// <summary>What the library asks for on Hopper.</summary>
    private const int WorkspaceBytes = 32 << 20;

    private readonly CublasLtTable _table;
    private readonly CudaContext _context;
    private readonly CublasCompute _compute;
    private readonly Dictionary<LibraryProductShape, Plan?> _plans = [];
    private readonly Lock _lock = new();
    private readonly nint _handle;
    private readonly nint _workspace;

    /// <summary>Starts the library on a device.</summary>
    /// <exception cref="CudaException">It does not start there.</exception>
    public CublasLt(CublasLtTable table, CudaContext context, CudaPrecision precision)
    {
        (_table, _context) = (table, context);
        // Operands in BF16 are multiplied as they are.
        _compute = precision == CudaPrecision.TF32 ? CublasCompute.FastTF32 : CublasCompute.F32;
        _workspace = context.Allocate(WorkspaceBytes);
        nint handle;
        CublasStatus status = table.cublasLtCreate(&handle);
        if (status != CublasStatus.Success)
            context.Driver.cuMemFree(_workspace);
        table.Check(status, "table.cublasLtCreate(&handle)");
        _handle = handle;
    }

    /// <summary>How the library computes products of one shape.</summary>
    /// <param name="description">The kind of product.</param>
    /// <param name="first">Layout of b.</param>
    /// <param name="second">Layout of a.</param>
    /// <param name="result">Layout of y and c.</param>
    public sealed class Plan(nint description, nint first, nint second, nint result)
    {
        /// <summary>The algorithm.</summary>
        public MatmulAlgorithm Algorithm;

        /// <summary>The kind of product.</summary>
        public nint Description { get; } = description;

        /// <summary>Layout of b.</summary>
        public nint First { get; } = first;

        /// <summary>Layout of a.</summary>
        public nint Second { get; } = second;

        /// <summary>Layout of y and c.</summary>
        public nint Result { get; } = result;
    }

    /// <summary>The plan for a shape; null if the library has no algorithm for it.</summary>
    public Plan? Find(in LibraryProductShape shape)
    {
        lock (_lock)
        {
            if (!_plans.TryGetValue(shape, out Plan? plan))
                _plans[shape] = plan = Make(shape);
            return plan;
        }
    }

    /// <summary>Queues a product on the stream.</summary>
    public void Multiply(in LibraryProduct product)
    {
        Plan plan = product.Plan;
        (float alpha, float beta) = (product.Alpha, product.Beta);
        // The address of the bias is part of the description, which threads share.
        lock (_lock)
        {
            if (product.Bias != 0)
                Set(plan.Description, MatmulAttribute.BiasPointer, product.Bias);
            fixed (MatmulAlgorithm* algorithm = &plan.Algorithm)
            {
                _table.Check(_table.cublasLtMatmul(
                    _handle, plan.Description, &alpha, product.B, plan.First, product.A, plan.Second, &beta, product.C, plan.Result, product.Y, plan.Result,
                    algorithm, _workspace, WorkspaceBytes, _context.Stream));
            }
        }
    }

    /// <summary>Frees all of it; the device must not be at it.</summary>
    public void Dispose()
    {
        _context.MakeCurrent();
        foreach (Plan? plan in _plans.Values)
        {
            if (plan is not null)
                Destroy(plan);
        }

        _plans.Clear();
        _table.cublasLtDestroy(_handle);
        _context.Driver.cuMemFree(_workspace);
    }

    private Plan? Make(in LibraryProductShape shape)
    {
        _context.MakeCurrent();
        nint description;
        _table.Check(_table.cublasLtMatmulDescCreate(&description, _compute, CudaDataType.F32));
        Set(description, MatmulAttribute.TransposeA, shape.TransposeB ? 1 : 0);
        Set(description, MatmulAttribute.TransposeB, shape.TransposeA ? 1 : 0);
        if (shape.HasBias)
        {
            // Every call has a bias of its own; the choice of an algorithm only wants some address.
            Set(description, MatmulAttribute.Epilogue, (int)MatmulEpilogue.Bias);
            Set(description, MatmulAttribute.BiasPointer, _workspace);
        }

        (int rows, int columns) = shape.TransposeB ? (shape.N, shape.K) : (shape.K, shape.N);
        nint first = Layout(shape.Operands, rows, columns, shape.StrideB, shape.Batch, shape.BatchStrideB);
        (rows, columns) = shape.TransposeA ? (shape.K, shape.M) : (shape.M, shape.K);
        nint second = Layout(shape.Operands, rows, columns, shape.StrideA, shape.Batch, shape.BatchStrideA);
        nint result = Layout(shape.Result, shape.M, shape.N, shape.StrideY, shape.Batch, shape.BatchStrideY);
        Plan plan = new(description, first, second, result);
        if (Choose(plan, shape))
            return plan;
        Destroy(plan);
        return null;
    }

    /// <summary>A row-major matrix as the library sees it.</summary>
    private nint Layout(CudaDataType type, int rows, int columns, int stride, int batch, long batchStride)
    {
        nint layout;
        _table.Check(_table.cublasLtMatrixLayoutCreate(&layout, type, (ulong)columns, (ulong)rows, stride));
        if (batch > 1)
        {
            _table.Check(_table.cublasLtMatrixLayoutSetAttribute(layout, LayoutAttribute.BatchCount, &batch, sizeof(int)));
            _table.Check(_table.cublasLtMatrixLayoutSetAttribute(layout, LayoutAttribute.BatchStride, &batchStride, sizeof(long)));
        }

        return layout;
    }

    private bool Choose(Plan plan, in LibraryProductShape shape)
    {
        nint preference;
        _table.Check(_table.cublasLtMatmulPreferenceCreate(&preference));
        try
        {
            ulong bytes = WorkspaceBytes;
            _table.Check(_table.cublasLtMatmulPreferenceSetAttribute(preference, PreferenceAttribute.MaxWorkspaceBytes, &bytes, sizeof(ulong)));
            // Unasked, the library takes it that all lies on 256 bytes.
            Align(preference, PreferenceAttribute.MinAlignmentA, shape.AlignmentB);
            Align(preference, PreferenceAttribute.MinAlignmentB, shape.AlignmentA);
            Align(preference, PreferenceAttribute.MinAlignmentC, shape.AlignmentC);
            Align(preference, PreferenceAttribute.MinAlignmentD, shape.AlignmentY);
            MatmulHeuristic heuristic;
            int count;
            CublasStatus status = _table.cublasLtMatmulAlgoGetHeuristic(
                _handle, plan.Description, plan.First, plan.Second, plan.Result, plan.Result, preference, 1, &heuristic, &count);
            // A library older than the device says so here, not when it starts.
            if (status is CublasStatus.NotSupported or CublasStatus.InvalidValue or CublasStatus.ArchitectureMismatch)
                return false;
            _table.Check(status, "_table.cublasLtMatmulAlgoGetHeuristic");
            plan.Algorithm = heuristic.Algorithm;
            return count > 0 && heuristic.State == CublasStatus.Success;
        }
        finally
        {
            _table.cublasLtMatmulPreferenceDestroy(preference);
        }
    }

    private void Align(nint preference, PreferenceAttribute attribute, uint bytes) =>
        _table.Check(_table.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &bytes, sizeof(uint)));

    private void Set<T>(nint description, MatmulAttribute attribute, T value)
        where T : unmanaged =>
        _table.Check(_table.cublasLtMatmulDescSetAttribute(description, attribute, &value, (nuint)sizeof(T)));

    private void Destroy(Plan plan)
    {
        _table.cublasLtMatrixLayoutDestroy(plan.First);
        _table.cublasLtMatrixLayoutDestroy(plan.Second);
        _table.cublasLtMatrixLayoutDestroy(plan.Result);
        _table.cublasLtMatmulDescDestroy(plan.Description);
    }
}
