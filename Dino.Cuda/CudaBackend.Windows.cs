using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct UnrollArguments(
        nint X, nint Y, long Sample, long Row, long WindowStep, long KernelStep, long Pad, int Count,
        Divisor Run, Divisor KernelWidth, Divisor KernelHeight, Divisor OutputWidth, Divisor OutputHeight, int Height, int Width, Window Window);

    private readonly record struct RollArguments(nint Dy, nint Dx, int Count, Divisor Channels, Divisor Width, Divisor Height, Window Window, int Accumulate, int Padding = 0);

    public override void Im2Col(in View x, in Window window, in View y)
    {
        RequireF32(nameof(Im2Col), x.DType | y.DType);
        if (y.Count == 0)
            return;
        Picture picture = new(x.Shape, window);
        // A kernel row without gaps that never leaves the picture is one run of memory.
        bool isRun = window.DilationX == 1 && window.PadLeft == 0 && ((window.OutputWidth - 1) * window.StrideX) + window.KernelWidth <= picture.Width;
        long run = (long)picture.Channels * (isRun ? window.KernelWidth : 1);
        long windowStep = (long)window.StrideX * picture.Channels, kernelStep = (long)window.DilationX * picture.Channels, pad = (long)window.PadLeft * picture.Channels;
        long inner = isRun ? 0 : picture.Channels;
        int unit = IsCutInQuads(x.Address | y.Address, run | picture.RowElements | windowStep | inner) ? QuadElements : 1;
        string kernel = unit == QuadElements ? "unroll_windows_16" : "unroll_windows_4";
        long sample = picture.Height * picture.RowElements, outputs = y.Count / picture.Samples;
        foreach ((int first, int count) in new SampleRuns(picture.Samples, outputs / unit, MostCounted))
        {
            UnrollArguments arguments = new(
                x.Address + (nint)(first * sample * sizeof(float)), y.Address + (nint)(first * outputs * sizeof(float)),
                sample / unit, picture.RowElements / unit, windowStep / unit, kernelStep / unit, pad / unit, checked((int)(count * outputs / unit)),
                new Divisor(run / unit), new Divisor(isRun ? 1 : window.KernelWidth), new Divisor(window.KernelHeight), new Divisor(window.OutputWidth), new Divisor(window.OutputHeight),
                picture.Height, picture.Width, window);
            LaunchOver(_kernels["windows", kernel], arguments, arguments.Count);
        }
    }

    public override void Col2Im(in View dy, in Window window, in Destination dx)
    {
        RequireF32(nameof(Col2Im), dy.DType | dx.View.DType);
        if (!dx.IsWanted || dx.View.Count == 0)
            return;
        Picture picture = new(dx.View.Shape, window);
        int unit = IsCutInQuads(dy.Address | dx.View.Address, picture.Channels) ? QuadElements : 1;
        string kernel = unit == QuadElements ? "roll_windows_16" : "roll_windows_4";
        long sample = picture.Height * picture.RowElements, outputs = dy.Count / picture.Samples;
        foreach ((int first, int count) in new SampleRuns(picture.Samples, sample / unit, MostCounted))
        {
            RollArguments arguments = new(
                dy.Address + (nint)(first * outputs * sizeof(float)), dx.View.Address + (nint)(first * sample * sizeof(float)), checked((int)(count * sample / unit)),
                new Divisor(picture.Channels / unit), new Divisor(picture.Width), new Divisor(picture.Height), window, dx.Accumulate ? 1 : 0);
            LaunchOver(_kernels["windows", kernel], arguments, arguments.Count);
        }
    }

    /// <summary>Whether quads starting at any multiple of these lengths are aligned, and divide them.</summary>
    /// <param name="addresses">Joined by OR, and so are the lengths.</param>
    private static bool IsCutInQuads(nint addresses, long lengths) => UnitBytes(addresses | (lengths * sizeof(float))) == QuadElements * sizeof(float);

    /// <summary>Runs of samples with as many elements as kernels can count.</summary>
    private ref struct SampleRuns(int samples, long elements, long mostCounted)
    {
        private readonly int _most = (int)Math.Clamp(mostCounted / elements, 1, samples);
        private int _next;

        public (int First, int Count) Current { get; private set; }

        public readonly SampleRuns GetEnumerator() => this;

        public bool MoveNext()
        {
            Current = (_next, Math.Min(_most, samples - _next));
            _next += _most;
            return Current.Count > 0;
        }
    }
}
