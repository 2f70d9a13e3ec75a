namespace Dino.Tensors.Backends;

/// <summary>The linear layer as a product, a broadcast sum, an activation and a sum.</summary>
public abstract partial class Backend
{
    /// <remarks>Up to five passes over y; a fused override does it all while a tile of the product is still in cache.</remarks>
    public virtual partial void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        using ScratchFrame scratch = OpenScratch();
        int rows = checked((int)x.Rows), outputs = y.Columns;
        View result = residual.Exists ? scratch.Take(y.Shape) : y;
        // The product lands where its value is wanted longest; activations work in place otherwise.
        View product = preActivation.Exists ? preActivation : result;
        MatMul(MatMulArguments.Single(x.Address, weight.Address, product.Address, rows, outputs, x.Columns, transposeB: true));
        if (bias.Exists)
            Binary(BinaryOp.Add, product, bias, product, Broadcast.Row);
        if (activation == Activation.Gelu)
            Unary(UnaryOp.Gelu, product, result);
        else if (activation == Activation.Relu)
            Unary(UnaryOp.Relu, product, result);
        else if (preActivation.Exists)
            Copy(product, result);
        if (factors.Exists)
        {
            View runs = result.As([checked((int)factors.Count), checked((int)(result.Count / factors.Count))]);
            Binary(BinaryOp.Multiply, runs, factors, runs, Broadcast.Column);
        }

        if (residual.Exists)
            Binary(BinaryOp.Add, residual, result, y, Broadcast.None);
    }

    /// <summary>Gradients of the weight and bias of a linear layer: dyᵀ · x, and the sum of the rows of dy.</summary>
    /// <param name="dy">[R, N], inner.</param>
    /// <param name="x">[R, K], inner.</param>
    /// <param name="dw">[N, K].</param>
    /// <param name="db">[N].</param>
    internal void LinearGradients(in View dy, in View x, in Destination dw, in Destination db)
    {
        if (dw.IsWanted)
            MatMul(MatMulArguments.Single(dy.Address, x.Address, dw.View.Address, dy.Columns, x.Columns, dy.Shape[0], transposeA: true) with { TypeA = dy.DType, TypeB = x.DType, Beta = dw.Beta });
        if (db.IsWanted)
            Reduce(ReduceOp.Sum, dy.As([1, dy.Shape[0], dy.Columns]), db with { View = db.View.As([1, dy.Columns]) });
    }
}
