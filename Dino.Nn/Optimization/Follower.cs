using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>A network that is the moving average of another: follower = m · follower + (1 - m) · parameter, over parameters, not buffers.</summary>
/// <param name="Store">Laid out as the store it follows.</param>
/// <param name="Momentum">m.</param>
/// <remarks>The teacher of DINO; Caron et al. 2021, section 3.1.</remarks>
public readonly record struct Follower(ParameterStore Store, double Momentum)
{
    /// <summary>Follows a run of values on its own, where no optimizer passes.</summary>
    internal void Move(ParameterStore leader, long offset, long length)
    {
        Dino.Tensors.Shape run = [checked((int)length)];
        View follower = Store.Values.Data.Slice(offset, run), values = leader.Values.Data.Slice(offset, run);
        Store.Device.Backend.Axpby((float)(1 - Momentum), values, (float)Momentum, follower);
    }
}
