using Dino.Tensors.Backends;

namespace Dino.Tensors.Autograd;

/// <summary>What a <see cref="Function"/> sees while its gradient is computed.</summary>
public readonly ref struct BackwardPass
{
    private readonly Tensor _output;

    internal BackwardPass(Scope scope, Tensor output)
    {
        Scope = scope;
        _output = output;
    }

    /// <summary>The scope the step runs in; scratch tensors may be made in it.</summary>
    public Scope Scope { get; }

    /// <summary>The device's backend.</summary>
    public Backend Backend => Scope.Backend;

    /// <summary>Gradient of the loss with respect to the output.</summary>
    public View OutputGradient => _output.GradientView;

    /// <summary>Uninitialised memory until this function returns.</summary>
    public View Scratch(Shape shape, DType type = DType.F32) => Scope.TakeScratch(shape, type);

    /// <summary>The same with as much spare room as a tensor has.</summary>
    internal View Scratch(Shape shape, DType type, Tensor like) => Scope.TakeScratch(shape, type, Spare.Of(like));

    /// <summary>Where to write the gradient of an input: unwanted, to overwrite (first to arrive) or to accumulate. Call once per contribution.</summary>
#pragma warning disable CA1822 // Reads no field, yet means nothing outside a pass.
    public Destination Gradient(Tensor input)
#pragma warning restore CA1822
    {
        if (!input.Exists)
            return Destination.None;
        Tensor root = input.Root;
        ref TensorRecord record = ref root.Record;
        if (!record.RequiresGradient)
            return Destination.None;
        if (record.IsForgotten)
            ThrowForgotten(input);
        bool accumulate = record.HasGradient;
        if (record.Gradient == 0)
            record.Gradient = root.Owner.TakeGradient(root.Slot);
        record.HasGradient = true;
        return new Destination(input.Record.Data with { Address = record.Gradient }, accumulate);
    }

    /// <summary>Adds the output's gradient to an input's unchanged. Hands the memory over when nobody else needs it: call last.</summary>
    public void PassThrough(Tensor input)
    {
        if (!input.Exists || !input.RequiresGradient)
            return;
        ref TensorRecord from = ref _output.Record;
        Tensor root = input.Root;
        ref TensorRecord to = ref root.Record;
        if (root.Owner == Scope && Scope.IsInFrame(root.Slot) && to.Gradient == 0 && to.Room == from.Room && !to.IsForgotten && !from.RetainsGradient)
        {
            (to.Gradient, from.Gradient) = (from.Gradient, 0);
            (to.HasGradient, from.HasGradient) = (true, false);
            return;
        }

        AddTo(input);
    }

    /// <summary>Adds the output's gradient, times a factor, to an input's.</summary>
    public void AddTo(Tensor input, float factor = 1)
    {
        if (Gradient(input) is { IsWanted: true } destination)
            Backend.Axpby(factor, OutputGradient.As(destination.View.Shape), destination.Beta, destination.View);
    }

    private static void ThrowForgotten(Tensor input) => throw new InvalidOperationException(
        $"Backward reaches the tensor {input.Shape}, but an earlier Backward of this scope has used up what was recorded for it. Add the losses and call Backward once, or call Detach() on the tensor to go on from its value.");
}
