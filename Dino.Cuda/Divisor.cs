using System.Numerics;

namespace Dino.Cuda;

/// <summary>A number by which kernels divide others below 2^31 without dividing; <c>divisor.cuh</c> says how.</summary>
internal readonly record struct Divisor
{
    private readonly uint _value;
    private readonly uint _multiplier;
    private readonly int _shift;

    /// <param name="value">From 1 to 2^31.</param>
    public Divisor(long value)
    {
        // 2^shift is the first power of two not below the value; the multiplier is what 2^(32 + shift) / value has above 2^32, rounded up.
        _value = checked((uint)value);
        _shift = BitOperations.Log2(_value) + (BitOperations.IsPow2(_value) ? 0 : 1);
        _multiplier = (uint)((((1UL << _shift) - _value) << 32) / _value) + 1;
    }
}
