namespace Dino.Tensors.Backends;

public abstract partial class Backend
{
    public virtual partial void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y) => throw new NotSupportedException("pending");
}
