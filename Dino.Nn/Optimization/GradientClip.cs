using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Bounds the norms of gradients: per parameter in DINO, over all of them together in DINOv2.</summary>
public sealed class GradientClip : IDisposable
{
    private readonly ParameterStore _store;
    private readonly Segment[] _segments;
    private readonly int[] _indices;
    private readonly TensorStore _norms;
    private readonly float[] _host;
    private readonly int[] _positions;
    private int _measured;

    /// <summary>Clipping for a store.</summary>
    public GradientClip(ParameterStore store)
    {
        _store = store;
        _segments = new Segment[store.Parameters.Count];
        _indices = new int[store.Parameters.Count];
        _positions = new int[store.Parameters.Count];
        _host = new float[store.Parameters.Count];
        _norms = new TensorStore(store.Device, [[Math.Max(_segments.Length, 1)], [1]], withGradients: false);
    }

    /// <summary>Norm of each parameter's gradient before clipping, by index; NaN where there was no gradient. Valid after <see cref="ReadNorms"/>.</summary>
    public ReadOnlySpan<float> Norms => _host;

    /// <summary>Scales the gradient of each parameter whose norm exceeds the bound: g · bound / (‖g‖ + 1e-6). 0 or less only measures.</summary>
    public void PerParameter(float bound)
    {
        ReadOnlySpan<Segment> segments = Collect();
        _measured = segments.Length;
        _store.Device.Backend.ClipEach(_store.Values.Gradients, segments, bound, _norms[0].View.Slice(0, [segments.Length]));
    }

    /// <summary>Measures the gradient of each parameter for an <see cref="Optimizer.Step(double, double, GradientClip?, Follower?)"/> that clips to the bound on its way.</summary>
    public void Measure(float bound)
    {
        Bound = bound;
        PerParameter(0);
    }

    /// <summary>The bound of the last <see cref="Measure"/>.</summary>
    public float Bound { get; private set; }

    /// <summary>Scales all gradients together when their joint norm exceeds the bound.</summary>
    public void Global(float bound) => _store.Device.Backend.ClipTogether(_store.Values.Gradients, Collect(), bound, _norms[1].View);

    /// <summary>Brings the norms of the last <see cref="PerParameter"/> to the host.</summary>
    public void ReadNorms()
    {
        // As many as were measured: gradients may have been dropped or cleared since.
        Span<float> packed = stackalloc float[_measured];
        _store.Device.Backend.Download(_norms[0].View.Slice(0, [_measured]), MemoryMarshal.AsBytes(packed));
        _host.AsSpan().Fill(float.NaN);
        for (int i = 0; i < _measured; i++)
            _host[_indices[i]] = packed[i];
    }

    /// <summary>The measured norms where they are.</summary>
    internal View NormView => _norms[0].View;

    /// <summary>Where the norm of a parameter lies in <see cref="NormView"/>.</summary>
    internal int PositionOf(Parameter parameter) => _positions[parameter.Index];

    /// <summary>Throws when a gradient has no norm.</summary>
    internal void RequireMeasured()
    {
        // By index: the enumerator of an interface is an object, which every step would allocate.
        IReadOnlyList<Parameter> parameters = _store.Parameters;
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            if (parameter.Tensor.HasGradient && (_measured == 0 || _positions[parameter.Index] < 0))
                throw new InvalidOperationException($"The norm of the gradient of '{parameter.Name}' was not measured. Call Measure after the backward pass, before the step.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _norms.Dispose();

    private ReadOnlySpan<Segment> Collect()
    {
        int count = 0;
        IReadOnlyList<Parameter> parameters = _store.Parameters;
        for (int i = 0; i < parameters.Count; i++)
        {
            _positions[i] = parameters[i].Tensor.HasGradient ? count : -1;
            if (_positions[i] < 0)
                continue;
            _indices[count] = i;
            _segments[count++] = new Segment(_store.Values.Offset(i), parameters[i].Shape.Count, 0, 0, 0);
        }

        return _segments.AsSpan(0, count);
    }
}
