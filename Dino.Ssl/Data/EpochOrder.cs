using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>The order of the pictures in each epoch: a function of seed and epoch alone.</summary>
internal sealed class EpochOrder(int count, ulong seed, bool shuffle)
{
    /// <summary>Third coordinate of the shuffle's stream; views use small numbers there.</summary>
    private const uint Purpose = 0xFFFF_FFFF;

    private readonly int[] _order = new int[count];
    private int _epoch = -1;

    /// <summary>Picture indices of an epoch [count]; valid until another epoch is asked for.</summary>
    public ReadOnlySpan<int> Of(int epoch)
    {
        if (_epoch != epoch)
        {
            for (int i = 0; i < _order.Length; i++)
                _order[i] = i;
            if (shuffle)
            {
                CounterRandom random = new(new RandomKey(seed, (uint)epoch, 0, Purpose));
                random.Shuffle(_order.AsSpan());
            }

            _epoch = epoch;
        }

        return _order;
    }
}
