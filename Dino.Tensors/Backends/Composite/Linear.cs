namespace Dino.Tensors.Backends;

/// <summary>The linear layer as a product, a broadcast sum and an activation.</summary>
public abstract partial class Backend
{
    /// <remarks>Three passes over y; a fused override applies bias and activation while a tile of the product is still in cache.</remarks>
    public virtual partial void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y)
    {
        int rows = checked((int)x.Rows), outputs = y.Columns;
        // The product lands where its value is wanted longest; activations work in place otherwise.
        View product = preActivation.Exists ? preActivation : y;
        MatMul(MatMulArguments.Single(x.Address, weight.Address, product.Address, rows, outputs, x.Columns, transposeB: true));
        if (bias.Exists)
            Binary(BinaryOp.Add, product, bias, product, Broadcast.Row);
        if (activation == Activation.Gelu)
            Unary(UnaryOp.Gelu, product, y);
        else if (activation == Activation.Relu)
            Unary(UnaryOp.Relu, product, y);
        else if (preActivation.Exists)
            Copy(product, y);
    }
}
