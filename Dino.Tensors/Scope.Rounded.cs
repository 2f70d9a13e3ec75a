using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Weights rounded once for all products of a scope.</summary>
public sealed partial class Scope
{
    private readonly List<(TensorStore Store, Tensor Values)> _rounded = [];

    /// <summary>
    /// From now on linear layers of this scope multiply by a copy of a store's weights in <see cref="Backend.InnerType"/>, made here in one pass. A device whose
    /// products round their operands to that type rounds the same weights again at every product otherwise, with the same result in every bit. On other
    /// devices this does nothing.
    /// </summary>
    /// <remarks>
    /// The copy is that of this moment: call this again where the store changes and its weights are multiplied by afterwards in the same scope. It ends with
    /// the scope, or with the frame in which it was made.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The store lives on another device.</exception>
    public void RoundWeights(TensorStore store)
    {
        if (store.Device != Device)
            throw new InvalidOperationException($"RoundWeights: the store lives on another device, {store.Device}, than the scope: {Device}.");
        if (Backend.InnerType == DType.F32)
            return;
        if (RoundedValues(store) is not { Exists: true } values)
            _rounded.Add((store, values = Empty(store.Data.Shape, Backend.InnerType)));
        Backend.Cast(store.Data, values.View);
    }

    /// <summary>A weight as products read it: the copy that <see cref="RoundWeights"/> made, or the weight itself.</summary>
    internal View Multiplied(Tensor weight)
    {
        Tensor root = weight.Root;
        return root.Owner is TensorStore store && RoundedValues(store) is { Exists: true } values
            ? values.View.Slice(store.Offset(root.Slot), weight.Shape)
            : weight.View;
    }

    private Tensor RoundedValues(TensorStore store)
    {
        foreach ((TensorStore known, Tensor values) in _rounded)
        {
            if (known == store)
                return values;
        }

        return default;
    }

    /// <summary>Forgets copies whose memory a frame, or the scope, takes with it.</summary>
    private void ForgetRounded()
    {
        while (_rounded.Count > 0 && _rounded[^1].Values.Slot >= Count)
            _rounded.RemoveAt(_rounded.Count - 1);
    }
}
