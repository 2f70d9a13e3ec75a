namespace Dino.Tensors.Backends;

/// <summary>Composite default of the search for the largest products: some rows of the whole product at a time.</summary>
public abstract partial class Backend
{
    /// <summary>Rows of the product that are held at a time.</summary>
    private const int ProductRows = 256;

    public virtual partial void TopProducts(in View x, in View memory, in View offsets, in View values, in View indices)
    {
        int rows = checked((int)x.Rows), depth = x.Columns, count = checked((int)memory.Rows), k = values.Columns;
        using ScratchFrame scratch = OpenScratch();
        View all = scratch.Take([Math.Min(rows, ProductRows), count]);
        for (int start = 0; start < rows; start += ProductRows)
        {
            int height = Math.Min(ProductRows, rows - start);
            View products = all.Slice(0, [height, count]);
            MatMul(new MatMulArguments
            {
                A = x.Slice((long)start * depth, [height, depth]).Address, B = memory.Address, Y = products.Address,
                M = height, N = count, K = depth, StrideA = depth, StrideB = depth, StrideY = count,
                TransposeB = true, Alpha = 1, OuterBatch = 1, InnerBatch = 1,
            });
            if (offsets.Exists)
                Binary(BinaryOp.Add, products, offsets, products, Broadcast.Row);
            TopK(products, values.Slice((long)start * k, [height, k]), indices.Slice((long)start * k, [height, k]));
        }
    }
}
