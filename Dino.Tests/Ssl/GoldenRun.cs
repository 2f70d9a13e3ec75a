using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;
using Dino.Tests.Nn;

namespace Dino.Tests.Ssl;

/// <summary>A recorded training run: its settings, its crops and its bounds.</summary>
internal sealed partial class GoldenRun
{
    private readonly FixtureCase _trace;
    private readonly FixtureCase _crops;
    private readonly string _group;
    private readonly string _folder;
    private readonly JsonElement _config;
    private readonly JsonElement _tolerances;
    private readonly string[] _gradientNames;
    private readonly Dictionary<string, double[]> _columns = [];

    public GoldenRun(FixtureCase trace, FixtureCase crops, string group, string folder)
    {
        (_trace, _crops, _group, _folder) = (trace, crops, group, folder);
        _config = trace.Config;
        _tolerances = trace.Json.GetProperty("tolerances");
        _gradientNames = [.. _config.GetProperty("grad_names").EnumerateArray().Select(name => name.GetString()!)];
    }

    public int Steps => _config.GetProperty("steps").GetInt32();

    public int Batch => _config.GetProperty("data").GetProperty("bs").GetInt32();

    public DinoTrainer CreateTrainer(Device device)
    {
        JsonElement data = _config.GetProperty("data"), head = _config.GetProperty("head");
        double Number(string name) => _config.GetProperty(name).GetDouble();
        int Integer(string name) => _config.GetProperty(name).GetInt32();
        DinoOptions options = new()
        {
            Backbone = new VisionTransformerOptions
            {
                ImageSize = data.GetProperty("g").GetInt32(),
                PatchSize = data.GetProperty("patch").GetInt32(),
                Width = data.GetProperty("dim").GetInt32(),
                Depth = data.GetProperty("depth").GetInt32(),
                Heads = data.GetProperty("heads").GetInt32(),
                DropPath = _config.TryGetProperty("drop_path", out JsonElement rate) ? (float)rate.GetDouble() : 0,
            },
            ResNet = _config.GetProperty("arch").GetString() == "resnet" ? ResNet(_config.GetProperty("backbone").GetString()!) : null,
            Head = new DinoHeadOptions
            {
                Hidden = head.GetProperty("hidden").GetInt32(),
                Bottleneck = head.GetProperty("bott").GetInt32(),
                Prototypes = head.GetProperty("out").GetInt32(),
                BatchNorm = _config.GetProperty("bn").GetBoolean(),
                FixedLength = _config.GetProperty("nll").GetBoolean(),
            },
            BatchSize = Batch,
            Epochs = Integer("epochs"),
            Optimizer = _config.GetProperty("opt").GetString()!,
            LearningRate = Number("lr"),
            MinLearningRate = Number("min_lr"),
            WarmupEpochs = Integer("warm"),
            WeightDecay = Number("wd"),
            WeightDecayEnd = Number("wd_end"),
            MomentumTeacher = Number("mom"),
            WarmupTeacherTemperature = Number("wt"),
            TeacherTemperature = Number("tt"),
            WarmupTeacherTemperatureEpochs = Integer("wte"),
            StudentTemperature = Number("student_temp"),
            CentreMomentum = Number("center_momentum"),
            ClipGradient = Number("clip"),
            FreezeLastLayer = Integer("freeze"),
        };
        DinoTrainer trainer = new(device, options, Integer("iters_per_epoch"));
        string init = _config.TryGetProperty("init_file", out JsonElement file) ? file.GetString()! : $"{_folder}/init";
        using SafetensorsFile weights = SafetensorsFile.Open(FindInit(init));
        StateDict.Load(trainer.Student.Store, weights);
        trainer.Teacher.Store.CopyFrom(trainer.Student.Store);
        return trainer;
    }

    public void BeginStep(DinoTrainer trainer, int step)
    {
        if (_trace.Has($"droppath.step{step:00}.call0"))
            trainer.Student.Store.Masks = new RecordedMasks(_trace, step);
    }

    public CropView[] Views(int step)
    {
        int iteration = step % _config.GetProperty("iters_per_epoch").GetInt32();
        List<CropView> views = [];
        for (int crop = 0; _crops.Has(Name(crop)); crop++)
        {
            int[] shape = _crops.Shape(Name(crop));
            views.Add(new CropView(_crops.Singles(Name(crop)), shape[2], shape[3]));
        }

        return [.. views];

        string Name(int crop) => string.Create(CultureInfo.InvariantCulture, $"it{iteration:00}.crop{crop}");
    }

    /// <summary>Norms at every step, and at step 0 the gradients themselves.</summary>
    public void CheckGradients(DinoTrainer trainer, int step)
    {
        trainer.Clip.PerParameter(0);
        trainer.Clip.ReadNorms();
        double[] expected = Column("grad_norm64", "grad_norm");
        // As for the quantities whose bound is in the file: four times the drift of the official float32 runs. Norms that are zero in exact
        // arithmetic are rounding noise, measured against the largest norm of the step.
        double relative = 4 * Column("drift.grad_norm_max_rel")[step];
        double floor = 1e-6 * expected.AsSpan(step * _gradientNames.Length, _gradientNames.Length).ToArray().Max();
        for (int i = 0; i < _gradientNames.Length; i++)
        {
            double wanted = expected[(step * _gradientNames.Length) + i], actual = trainer.Clip.Norms[trainer.Student.Store[_gradientNames[i]].Index];
            Assert.True(Math.Abs(actual - wanted) <= (relative * wanted) + floor, $"{_folder} step {step}: norm of {_gradientNames[i]} is {actual:g8}, expected {wanted:g8}, rtol {relative:g3}.");
        }

        string path = Path.Combine(_trace.Folder, "grads_step0.json");
        if (step != 0 || !File.Exists(path))
            return;
        using FixtureCase gradients = FixtureStore.Open($"{_group}/{_folder}/grads_step0");
        FixtureWeights.AssertGradients(trainer.Student.Store, gradients, "grad.");
    }

    public void CheckStep(DinoTrainer trainer, int step, StepReport report)
    {
        Near("loss", step, report.Loss, Column("loss64", "loss")[step], Bound("loss", step));
        Near("lr", step, report.Settings.LearningRate, Column("lr")[step], 1e-12);
        Near("wd", step, report.Settings.WeightDecay, Column("wd")[step], 1e-12);
        Near("momentum", step, report.Settings.Momentum, Column("momentum")[step], 1e-12);
        Near("teacher_temp", step, report.Settings.TeacherTemperature, Column("teacher_temp")[step], 1e-12);
        float[] centre = trainer.Centre.Value.ToArray();
        double[] expected = Column("center64", "center");
        double bound = (4 * Column("drift.center_max_abs")[step]) + (64 * Math.Pow(2, -24) * expected.Max(Math.Abs));
        for (int k = 0; k < centre.Length; k++)
            Near("center", step, centre[k], expected[(step * centre.Length) + k], bound);
        string after = string.Create(CultureInfo.InvariantCulture, $"after_step_{step + 1:000}");
        if (!File.Exists(Path.Combine(_trace.Folder, after + ".json")))
            return;
        using FixtureCase state = FixtureStore.Open($"{_group}/{_folder}/{after}");
        foreach (string name in state.Names)
        {
            (ParameterStore store, string key) = Resolve(trainer, name);
            JsonElement limit = state.Json.GetProperty("tolerances").GetProperty(name[..name.IndexOf('.', StringComparison.Ordinal)]);
            CompareWeights(state, name, store[key].Tensor, limit.GetProperty("atol").GetDouble(), limit.GetProperty("atol_excl_zero_grad").GetDouble());
        }
    }

    public void CheckFinal(DinoTrainer trainer)
    {
        string name = File.Exists(Path.Combine(_trace.Folder, "final_f64.json")) ? "final_f64" : "final";
        using FixtureCase final = FixtureStore.Open($"{_group}/{_folder}/{name}");
        JsonElement bounds = _tolerances.GetProperty("final_per_tensor");
        foreach (string key in final.Names)
        {
            (ParameterStore store, string parameter) = Resolve(trainer, key);
            if (parameter.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                continue;
            double bound = bounds.GetProperty(key).GetProperty("atol").GetDouble();
            CompareWeights(final, key, store[parameter].Tensor, bound, bound);
        }
    }

    /// <summary>Entries whose exact gradient is zero drift freely; the mask says which, and they have a bound of their own.</summary>
    private void CompareWeights(FixtureCase state, string name, Tensor tensor, double bound, double boundElsewhere)
    {
        float[] actual = tensor.ToArray();
        double[] expected = state.Doubles(name);
        string maskName = "zero_grad_mask." + name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        double[]? mask = _trace.Has(maskName) ? _trace.Doubles(maskName) : null;
        for (int i = 0; i < actual.Length; i++)
        {
            double limit = mask is not null && mask[i] != 0 ? bound : boundElsewhere;
            Assert.True(Math.Abs(actual[i] - expected[i]) <= limit, $"{_folder} {state.Name} {name}[{i}] = {actual[i]:g9}, expected {expected[i]:g9}, bound {limit:g3}.");
        }
    }

    /// <summary>Reads "widths/16, stem 8, layers [1,1,1,1], basic".</summary>
    private static ResNetOptions ResNet(string description)
    {
        Match match = ResNetDescription().Match(description);
        Assert.True(match.Success, $"'{description}' does not describe a ResNet.");
        int Number(string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        int[] layers = [.. match.Groups["layers"].Value.Split(',').Select(layer => int.Parse(layer, CultureInfo.InvariantCulture))];
        return OfficialConfig.ResNet(match.Groups["kind"].Value, layers, Number("divisor"), Number("stem"));
    }

    [GeneratedRegex(@"widths/(?<divisor>\d+), stem (?<stem>\d+), layers \[(?<layers>[\d,]+)\], (?<kind>basic|bottleneck)")]
    private static partial Regex ResNetDescription();

    private string FindInit(string init)
    {
        foreach (string candidate in new[] { init, $"{_folder}/{init}" })
        {
            string path = Path.Combine(FixtureStore.Groups[_group], candidate.EndsWith(".safetensors", StringComparison.Ordinal) ? candidate : candidate + ".safetensors");
            if (File.Exists(path))
            {
                FixtureCoverage.Ran($"{_group}/{Path.ChangeExtension(Path.GetRelativePath(FixtureStore.Groups[_group], path), null)}");
                return path;
            }
        }

        throw new FileNotFoundException($"{_folder}: no initial weights '{init}'.");
    }

    private double Bound(string quantity, int step) => _tolerances.GetProperty(quantity).GetProperty("atol_per_step")[step].GetDouble();

    private double[] Column(string name, string? otherwise = null)
    {
        string key = _trace.Has(name) ? name : otherwise ?? name;
        if (!_columns.TryGetValue(key, out double[]? values))
            _columns[key] = values = _trace.Doubles(key);
        return values;
    }

    private void Near(string what, int step, double actual, double expected, double bound) =>
        Assert.True(Math.Abs(actual - expected) <= bound, $"{_folder} step {step}: {what} is {actual:g9}, expected {expected:g9}, bound {bound:g3}.");

    private static (ParameterStore Store, string Key) Resolve(DinoTrainer trainer, string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return (name[..dot] == "student" ? trainer.Student.Store : trainer.Teacher.Store, name[(dot + 1)..]);
    }

    /// <summary>The keep masks that the official run drew.</summary>
    private sealed class RecordedMasks(FixtureCase trace, int step) : IMaskSource
    {
        private int _call;

        public void Next(float keepProbability, Span<float> mask)
        {
            float[] recorded = trace.Singles(string.Create(CultureInfo.InvariantCulture, $"droppath.step{step:00}.call{_call++}"));
            recorded.CopyTo(mask);
        }
    }
}
