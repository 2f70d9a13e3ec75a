using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>
/// The parameters and buffers of one network: declared while the network is built, then allocated at once as two flat buffers (learned values
/// and their gradients) plus a small one for what is not learned.
/// </summary>
public sealed class ParameterStore : IDisposable
{
    private readonly List<Parameter> _parameters = [];
    private readonly List<Parameter> _buffers = [];
    private readonly Dictionary<string, Parameter> _byName = new(StringComparer.Ordinal);
    private TensorStore? _values;
    private TensorStore? _bufferValues;

    /// <summary>Where a network begins to declare its parameters.</summary>
    public ParameterScope Root => new(this, "");

    /// <summary>Learned and fixed parameters in order of declaration.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Buffers in order of declaration.</summary>
    public IReadOnlyList<Parameter> Buffers => _buffers;

    /// <summary>Parameters and buffers.</summary>
    public IEnumerable<Parameter> All => _parameters.Concat(_buffers);

    /// <summary>Number of learned and fixed values.</summary>
    public long Count => _parameters.Sum(parameter => parameter.Shape.Count);

    /// <summary>Whether the network is being trained: batch norm uses the batch's statistics, drop path drops.</summary>
    public bool IsTraining { get; set; }

    /// <summary>Where drop path gets its masks from.</summary>
    public IMaskSource Masks { get; set; } = new CounterMasks(0);

    /// <summary>The learned and fixed values: one flat buffer, unless they stayed in a file.</summary>
    public TensorStore Values => _values ?? throw new InvalidOperationException("The ParameterStore has no memory yet: call Allocate after building the network.");

    /// <summary>The flat memory of what is not learned; without tensors if the network has no buffers.</summary>
    public TensorStore BufferValues => _bufferValues ?? throw new InvalidOperationException("The ParameterStore has no memory yet: call Allocate after building the network.");

    /// <summary>How <see cref="PackWeights"/> stored the weights of linear layers; null for plain values.</summary>
    public WeightFormat? PackedFormat { get; private set; }

    /// <summary>The device the parameters live on.</summary>
    public Device Device => Values.Device;

    /// <summary>Counts the times that values came from elsewhere: who keeps something computed from them compares.</summary>
    internal int Revision { get; private set; }

    /// <summary>A parameter or buffer by name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Parameter this[string name] => _byName.TryGetValue(name, out Parameter? parameter) ? parameter : throw new KeyNotFoundException($"The network has no parameter '{name}'.");

    /// <summary>A parameter or buffer by name, or null.</summary>
    public Parameter? TryFind(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Allocates memory on a device and writes the first values, each a function of the seed and the parameter's position.</summary>
    /// <param name="device">Where to live.</param>
    /// <param name="seed">Seed of the initialisation.</param>
    /// <param name="withGradients">False for a teacher or for inference: no gradient memory, nothing is ever recorded.</param>
    /// <param name="initialize">
    /// False leaves the parameters without values, for a network that is loaded whole right after: drawing them takes longer than reading
    /// a file. Buffers, of which files may lack some, get their first values all the same.
    /// </param>
    public ParameterStore Allocate(Device device, ulong seed = 0, bool withGradients = true, bool initialize = true)
    {
        RequireUnallocated();
        Take(new TensorStore(device, [.. _parameters.Select(parameter => parameter.Shape)], withGradients, isCleared: initialize), seed);
        if (withGradients)
        {
            foreach (Parameter parameter in _parameters.Where(parameter => parameter.IsFixed))
                Values.SetRequiresGradient(parameter.Index, false);
        }

        if (initialize)
        {
            foreach (Parameter parameter in _parameters)
                Initialize(parameter, parameter.Index, seed);
        }

        return this;
    }

    /// <summary>
    /// Packs the weights of all linear layers and convolutions for inference and releases their plain values: products are faster, and take half the
    /// memory as <see cref="WeightFormat.BF16"/>, a quarter as <see cref="WeightFormat.I8"/>. Filters are packed with the factors of the batch norm
    /// behind them. The network can then be neither trained, nor saved, nor copied.
    /// </summary>
    /// <param name="format">How to store them; F32 changes no result by more than the rounding of a sum.</param>
    /// <exception cref="InvalidOperationException">The store has gradients, no memory yet, or has been packed before.</exception>
    public ParameterStore PackWeights(WeightFormat format)
    {
        TensorStore plain = Values;
        if (plain.HasGradients)
            throw new InvalidOperationException("PackWeights is for inference: this ParameterStore was allocated with gradients. Allocate it with withGradients: false.");
        if (PackedFormat is { } before)
            throw new InvalidOperationException($"The weights are packed as {before} already.");
        Parameter[] packed = [.. _parameters.Where(parameter => parameter.IsLinearWeight)];
        PackedFormat = format;
        foreach (Parameter parameter in packed)
        {
            using Scope scope = plain.Device.OpenScope(GradMode.Off);
            parameter.Packed = new PackedWeight(parameter.PackedForm?.Invoke(scope) ?? parameter.Tensor, format);
        }

        // What was packed leaves an empty tensor, so that the others keep their positions.
        TensorStore rest = new(plain.Device, [.. _parameters.Select(parameter => parameter.Packed is null ? parameter.Shape : new Shape(0))], withGradients: false);
        foreach (Parameter parameter in _parameters.Where(parameter => parameter.Packed is null))
        {
            parameter.Tensor.CopyTo(rest[parameter.Index]);
            parameter.Tensor = rest[parameter.Index];
        }

        _values = rest;
        plain.Dispose();
        return this;
    }

    /// <summary>Turns the learning of parameters on or off by name.</summary>
    public void SetFrozen(Func<Parameter, bool> which, bool frozen)
    {
        foreach (Parameter parameter in _parameters.Where(parameter => !parameter.IsFixed && which(parameter)))
            Values.SetRequiresGradient(parameter.Index, !frozen);
    }

    /// <summary>Marks all gradients as absent.</summary>
    public void ClearGradients() => Values.ClearGradients();

    /// <summary>Copies all values and buffers from a network of the same build.</summary>
    /// <exception cref="InvalidOperationException">Either network has packed weights.</exception>
    public void CopyFrom(ParameterStore other)
    {
        if ((PackedFormat ?? other.PackedFormat) is { } format)
            throw new InvalidOperationException($"CopyFrom: weights packed as {format} cannot be copied. Copy before PackWeights.");
        if (Values.IsMapped || other.Values.IsMapped)
        {
            foreach ((Parameter from, Parameter to) in other._parameters.Zip(_parameters))
                from.Tensor.CopyTo(to.Tensor);
        }
        else
        {
            Device.Backend.Copy(other.Values.Data, Values.Data);
        }

        foreach ((Parameter from, Parameter to) in other._buffers.Zip(_buffers))
            from.Tensor.CopyTo(to.Tensor);
        Revision++;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter parameter in _parameters)
            parameter.Packed?.Dispose();
        _values?.Dispose();
        _bufferValues?.Dispose();
    }

    /// <summary>Leaves learned and fixed values where they are in a file, if that can be; buffers get memory and first values.</summary>
    internal bool TryMap(Device device, TensorFile file, IEnumerable<string> names)
    {
        RequireUnallocated();
        if (TensorStore.TryMap(device, file, names) is not { } values)
            return false;
        Take(values, seed: 0);
        return true;
    }

    /// <summary>Says that values were loaded.</summary>
    internal void Loaded() => Revision++;

    internal Parameter Declare(Parameter parameter)
    {
        if (_values is not null)
            throw new InvalidOperationException($"'{parameter.Name}' was declared after Allocate.");
        if (!_byName.TryAdd(parameter.Name, parameter))
            throw new InvalidOperationException($"'{parameter.Name}' is declared twice.");
        List<Parameter> list = parameter.IsBuffer ? _buffers : _parameters;
        parameter.Index = list.Count;
        list.Add(parameter);
        return parameter;
    }

    private void RequireUnallocated()
    {
        if (_values is not null)
            throw new InvalidOperationException("The ParameterStore is allocated already.");
    }

    /// <summary>Takes the memory of the parameters, and gives the buffers theirs with first values.</summary>
    private void Take(TensorStore values, ulong seed)
    {
        _values = values;
        _bufferValues = new TensorStore(values.Device, [.. _buffers.Select(buffer => buffer.Shape)], withGradients: false);
        foreach (Parameter parameter in _parameters)
            parameter.Tensor = _values[parameter.Index];
        foreach (Parameter buffer in _buffers)
        {
            buffer.Tensor = _bufferValues[buffer.Index];
            Initialize(buffer, _parameters.Count + buffer.Index, seed);
        }
    }

    private static void Initialize(Parameter parameter, int position, ulong seed) =>
        parameter.Initializer.Fill(parameter.Tensor, new RandomKey(seed, B: (uint)position, C: RandomPurpose.Initialization));
}
