using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Imaging.Jpeg;

/// <summary>
/// Brings one component to full resolution, a row at a time. Ratios 2x1, 1x2 and 2x2 use the triangle filter (3/4 of the
/// nearer sample, 1/4 of the farther one) with libjpeg-turbo's rounding; other ratios, and components at most two samples wide,
/// repeat samples.
/// </summary>
internal sealed class JpegUpsampler
{
    // Vectors may run past the width: planes and buffers leave room for one at their ends.
    private const int Lanes = 16;

    private readonly JpegComponent _component;
    private readonly int _stepX;
    private readonly int _stepY;
    private readonly bool _smoothX;
    private readonly bool _smoothY;
    private readonly byte[] _row = [];

    // Vertically weighted samples, with one repeated sample at each end.
    private readonly ushort[] _sums = [];

    public JpegUpsampler(JpegFrame frame, JpegComponent component)
    {
        _component = component;
        (_stepX, _stepY) = (frame.MaxH / component.H, frame.MaxV / component.V);
        // As libjpeg-turbo chooses: two samples across are too few for the horizontal filter, and 2x2 has no other one.
        _smoothX = _stepX == 2 && _stepY <= 2 && component.Width > 2;
        _smoothY = _stepY == 2 && (_stepX == 1 || _smoothX);
        if (_stepX == 1 && !_smoothY)
            return;
        _row = GC.AllocateUninitializedArray<byte>(component.Width * _stepX + 2 * Lanes);
        if (_smoothX)
            _sums = GC.AllocateUninitializedArray<ushort>(component.Width + 2 + Lanes);
    }

    /// <summary>Row <paramref name="y"/> of the picture, valid until the next call.</summary>
    public ReadOnlySpan<byte> Row(int y)
    {
        ReadOnlySpan<byte> near = Samples(y / _stepY);
        if (_row.Length == 0)
            return near;
        // The farther row lies on the side of the half this row is in; at the edges the nearer one repeats.
        ReadOnlySpan<byte> far = _smoothY ? Samples(Math.Clamp(y / 2 + ((y & 1) == 0 ? -1 : 1), 0, _component.Height - 1)) : near;
        if (!_smoothX && _smoothY)
            BlendRows(near, far, (y & 1) == 0 ? 1 : 2);
        else if (_smoothX)
            SmoothRow(near, far);
        else
            Repeat(near);
        return _row;
    }

    private ReadOnlySpan<byte> Samples(int y) => _component.Plane.AsSpan(y * _component.Stride);

    /// <summary>1x2: rounding alternates between down (upper row of a pair) and up.</summary>
    private void BlendRows(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int bias)
    {
        ref byte target = ref MemoryMarshal.GetArrayDataReference(_row);
        for (int x = 0; x < _component.Width; x += Lanes)
        {
            Vector256<ushort> sum = Load(near[x..]) * (ushort)3 + Load(far[x..]) + Vector256.Create((ushort)bias);
            StoreBytes(sum >> 2, ref target, x);
        }
    }

    private void SmoothRow(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far)
    {
        int width = _component.Width;
        Span<ushort> sums = _sums;
        for (int x = 0; x < width; x += Lanes)
        {
            Vector256<ushort> sum = Load(near[x..]);
            if (_smoothY)
                sum = sum * (ushort)3 + Load(far[x..]);
            sum.CopyTo(sums[(x + 1)..]);
        }

        // Beyond the ends the last sample repeats: 3a + a is what the filter's edge cases come to.
        sums[0] = sums[1];
        sums[width + 1] = sums[width];

        // Even columns lean left, odd ones right, with the roundings that cancel on average.
        (int shift, int left, int right) = _smoothY ? (4, 8, 7) : (2, 1, 2);
        Vector256<ushort> biasLeft = Vector256.Create((ushort)left), biasRight = Vector256.Create((ushort)right);
        Span<ushort> target = MemoryMarshal.Cast<byte, ushort>(_row.AsSpan());
        for (int x = 0; x < width; x += Lanes)
        {
            Vector256<ushort> centre = Vector256.Create<ushort>(sums[(x + 1)..]) * (ushort)3;
            Vector256<ushort> even = (centre + Vector256.Create<ushort>(sums[x..]) + biasLeft) >> shift;
            Vector256<ushort> odd = (centre + Vector256.Create<ushort>(sums[(x + 2)..]) + biasRight) >> shift;
            // A 16-bit lane holds two neighbouring bytes, the even column first.
            Vector256<ushort> pair = BitConverter.IsLittleEndian ? even | odd << 8 : odd | even << 8;
            pair.CopyTo(target[x..]);
        }
    }

    private void Repeat(ReadOnlySpan<byte> near)
    {
        for (int x = 0; x < _component.Width; x++)
            _row.AsSpan(x * _stepX, _stepX).Fill(near[x]);
    }

    private static Vector256<ushort> Load(ReadOnlySpan<byte> samples)
    {
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Create(samples));
        return Vector256.Create(low, high);
    }

    private static void StoreBytes(Vector256<ushort> values, ref byte target, int at) =>
        Vector128.Narrow(values.GetLower(), values.GetUpper()).StoreUnsafe(ref target, (nuint)at);
}
