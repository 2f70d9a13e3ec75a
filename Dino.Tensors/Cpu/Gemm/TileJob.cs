using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Computes the tasks of a <see cref="Plan"/> with <see cref="MicroKernel{V}"/>.</summary>
internal unsafe struct TileJob<V, TEpilogue>(in Product product, in Plan plan, float* scratch, TEpilogue epilogue) : IJob
    where V : struct, IVec<V>
    where TEpilogue : struct, IEpilogue
{
    /// <summary>Rows of a up to which a row-major b is not packed into narrow panels either.</summary>
    private const int NarrowDirectRows = 32;

    private const int EdgeTile = 8 * 4 * 16;

    /// <summary>Floats of scratch that each worker needs: a group of panels and one tile.</summary>
    public const int ScratchPerWorker = Plan.MaxDepth * Plan.MaxGroupColumns + EdgeTile;

    private readonly Product _product = product;
    private readonly Plan _plan = plan;
    private readonly TEpilogue _epilogue = epilogue;

    /// <summary>The blocks of k to add in this region.</summary>
    public int FirstDepth, EndDepth;

    public readonly int Tasks => checked((int)((_product.Matrices + _plan.MatricesPerTask - 1) / _plan.MatricesPerTask * _plan.TasksPerMatrix));

    public readonly void Run(int task, int worker)
    {
        int part = task % _plan.TasksPerMatrix;
        long first = (long)(task / _plan.TasksPerMatrix) * _plan.MatricesPerTask;
        long end = Math.Min(first + _plan.MatricesPerTask, _product.Matrices);
        // Neighbouring tasks share rows of a: the larger operand where there are many blocks of rows.
        int block = part / _plan.Groups.Parts, group = part % _plan.Groups.Parts;
        float* panels = scratch + (nint)worker * ScratchPerWorker;
        for (long matrix = first; matrix < end; matrix++)
        {
            _product.Locate(matrix, out float* a, out float* b, out float* y);
            for (int depth = FirstDepth; depth < EndDepth; depth++)
                AddDepth(a, b, y, block, group, depth, panels);
        }
    }

    /// <summary>Adds one block of k to a block of rows and a group of panels of y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddDepth(float* a, float* b, float* y, int block, int group, int depthBlock, float* panels)
    {
        int firstRow = _plan.RowBlocks.Start(block), rows = _plan.RowBlocks.Length(block);
        int k = _plan.Depths.Start(depthBlock), depth = _plan.Depths.Length(depthBlock);
        int firstPanel = _plan.Groups.Start(group), endPanel = firstPanel + _plan.Groups.Length(group);
        bool last = depthBlock == _plan.Depths.Parts - 1;
        // A row-major b is read in place where a panel spans several cache lines: they stream in as fast as packed ones.
        bool packAll = _product.ColumnStrideB != 1 || _product.Alpha != 1 || (V.Count < 16 && rows > NarrowDirectRows);
        Pack(b + k * _product.StepB, depth, firstPanel, endPanel, packAll, panels);

        float* edge = panels + Plan.MaxDepth * Plan.MaxGroupColumns;
        int firstVector = _plan.Panels.Start(firstPanel);
        Split tiles = Split.AtMost(rows, _plan.TileRows);

        // The next block of k, where it lies row by row: a packed b is read from end to end, as are the rows of a that is not transposed.
        bool fetches = !last && !packAll;
        int tileCount = tiles.Parts * (endPanel - firstPanel);
        FetchSchedule linesA = new(_product.StepA == 1 ? 0 : rows, tileCount), linesB = new((_plan.Panels.Start(endPanel) - firstVector) * V.Count, tileCount);
        for (int t = 0; t < tiles.Parts; t++)
        {
            int row = firstRow + tiles.Start(t), count = tiles.Length(t);
            float* rowsOfA = a + row * _product.RowStrideA + k * _product.StepA;
            for (int p = firstPanel; p < endPanel; p++)
            {
                int vector = _plan.Panels.Start(p), vectors = _plan.Panels.Length(p);
                int column = vector * V.Count, columns = Math.Min(vectors * V.Count, _product.N - column);
                bool packed = packAll || columns < vectors * V.Count;
                float* panel = packed ? panels + (nint)depth * (vector - firstVector) * V.Count : b + k * _product.StepB + column;
                nint stepB = packed ? vectors * V.Count : _product.StepB;
                float* tile = y + row * _product.StrideY + column;
                bool accumulate = depthBlock > 0 || _product.Beta != 0;
                if (depthBlock == 0 && accumulate && _product.Beta != 1)
                    Rows<V>.Scale(tile, _product.StrideY, count, columns, _product.Beta);
                if (TEpilogue.Exists && last)
                    _epilogue.Prepare(row, column, count, columns);
                if (columns == vectors * V.Count && fetches)
                {
                    int lineA = linesA.Next(), lineB = linesB.Next();
                    nint distanceA = lineA < 0 ? 0 : depth * _product.StepA + firstRow + lineA - row;
                    nint distanceB = lineB < 0 ? 0 : depth * _product.StepB + firstVector * V.Count + lineB - column;
                    MicroKernel<V>.Run(count, vectors, rowsOfA, _product.RowStrideA, _product.StepA, panel, stepB, depth, tile, _product.StrideY, accumulate, new LineFetch(distanceA, distanceB));
                }
                else if (columns == vectors * V.Count)
                {
                    MicroKernel<V>.Run(count, vectors, rowsOfA, _product.RowStrideA, _product.StepA, panel, stepB, depth, tile, _product.StrideY, accumulate);
                }
                else
                {
                    MicroKernel<V>.Run(count, vectors, rowsOfA, _product.RowStrideA, _product.StepA, panel, stepB, depth, edge, vectors * V.Count, false);
                    Rows<V>.Put(edge, vectors * V.Count, tile, _product.StrideY, count, columns, accumulate);
                }

                if (TEpilogue.Exists && last)
                    _epilogue.Apply(tile, _product.StrideY, row, column, count, columns);
            }
        }
    }

    private readonly void Pack(float* b, int depth, int firstPanel, int endPanel, bool all, float* panels)
    {
        for (int p = firstPanel; p < endPanel; p++)
        {
            int vectors = _plan.Panels.Length(p), column = _plan.Panels.Start(p) * V.Count;
            int columns = Math.Min(vectors * V.Count, _product.N - column);
            float* source = b + column * _product.ColumnStrideB;
            if (_product.ColumnStrideB != 1)
                Panels<V>.CopyColumns(source, _product.ColumnStrideB, depth, columns, vectors, _product.Alpha, panels, Product.IsFar(_product.N, _product.K));
            else if (all || columns < vectors * V.Count)
                Panels<V>.CopyRows(source, _product.StepB, depth, columns, vectors, _product.Alpha, panels);
            panels += (nint)depth * vectors * V.Count;
        }
    }
}
