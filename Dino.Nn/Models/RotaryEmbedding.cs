using Dino.Tensors;

namespace Dino.Nn;

/// <summary>The turns of rotary positions for any grid of patches.</summary>
/// <remarks>Su et al. 2021, with an axis of the picture for each half of the angles.</remarks>
internal sealed class RotaryEmbedding
{
    /// <summary>Name of the periods among the weights of a network.</summary>
    public const string PeriodsName = "rope_embed.periods";

    /// <summary>Grids whose turns are kept: pictures of ever other sizes must not fill the memory.</summary>
    private const int MostGrids = 64;

    private readonly ParameterStore _store;
    private readonly RotaryOptions _options;
    private readonly Parameter _periods;
    private readonly Dictionary<(int Rows, int Columns), float[]> _turns = [];
    private readonly Lock _lock = new();
    private int _revision;

    /// <param name="scope">Where <c>periods</c> is declared.</param>
    /// <param name="options">Periods and coordinates.</param>
    /// <param name="headWidth">D, a multiple of four.</param>
    public RotaryEmbedding(ParameterScope scope, RotaryOptions options, int headWidth)
    {
        (_store, _options) = (scope.Store, options);
        float[] periods = Periods(options, headWidth);
        _periods = scope.Buffer("periods", [periods.Length], Initializer.Values(periods));
    }

    /// <summary>A period for every four elements of a head.</summary>
    public static float[] Periods(RotaryOptions options, int headWidth) =>
        [.. Enumerable.Range(0, headWidth / 4).Select(j => (float)Rounded(Period(options, j, headWidth / 4), options.BFloat16))];

    /// <summary>The turns for a grid, in a scope.</summary>
    public Rotation At(Scope scope, int rows, int columns) =>
        new(scope.Upload(Turns(rows, columns), [2, rows * columns, 2 * _periods.Shape[0]]), _options.BFloat16 ? DType.BF16 : DType.F32);

    /// <summary>Cosines, then sines: [2, rows · columns, D/2], first the angles of the row, then those of the column.</summary>
    private float[] Turns(int rows, int columns)
    {
        lock (_lock)
        {
            // The periods may have been loaded since.
            if (_revision != _store.Revision || _turns.Count > MostGrids)
                _turns.Clear();
            _revision = _store.Revision;
            if (!_turns.TryGetValue((rows, columns), out float[]? turns))
                _turns.Add((rows, columns), turns = Compute(_periods.Tensor.ToArray(), rows, columns));
            return turns;
        }
    }

    private float[] Compute(float[] periods, int rows, int columns)
    {
        (int height, int width) = _options.Coordinates switch
        {
            RotaryCoordinates.Smaller => (Math.Min(rows, columns), Math.Min(rows, columns)),
            RotaryCoordinates.Larger => (Math.Max(rows, columns), Math.Max(rows, columns)),
            _ => (rows, columns),
        };
        int count = rows * columns, half = 2 * periods.Length;
        float[] turns = new float[2 * count * half];
        // A constant beside BF16 numbers is rounded as well.
        double turn = Rounded(2 * Math.PI);
        for (int patch = 0; patch < count; patch++)
        {
            double y = Coordinate(patch / columns, height), x = Coordinate(patch % columns, width);
            for (int j = 0; j < half; j++)
            {
                double angle = Rounded(Rounded(turn * (j < periods.Length ? y : x)) / periods[j % periods.Length]);
                turns[(patch * half) + j] = (float)Rounded(Math.Cos(angle));
                turns[((count + patch) * half) + j] = (float)Rounded(Math.Sin(angle));
            }
        }

        return turns;
    }

    /// <summary>The middle of a patch, from -1 to 1.</summary>
    private double Coordinate(int index, int count) => Rounded(Rounded(2 * Rounded((index + 0.5) / count)) - 1);

    /// <summary>Each step of the official code rounds to what it computes in; F32 is better served by double.</summary>
    private double Rounded(double value) => Rounded(value, _options.BFloat16);

    private static double Rounded(double value, bool toBFloat16) => toBFloat16 ? ToBFloat16((float)value) : value;

    private static float ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    private static double Period(RotaryOptions options, int j, int count)
    {
        if (options.MaxPeriod == 0)
            return Math.Pow(options.Base, (double)j / count);
        double ratio = options.MaxPeriod / options.MinPeriod;
        return options.MinPeriod * Math.Pow(ratio, count == 1 ? 0 : (double)j / (count - 1));
    }
}
