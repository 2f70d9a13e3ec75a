using System.Globalization;
using Dino.Ssl.Data;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>Compares the arguments that an official run saved with the settings of a run here.</summary>
internal static class OfficialSettings
{
    /// <summary>A setting under its official name, the value here, and the option that sets it.</summary>
    private sealed record Setting(string Name, object Value, string Option);

    /// <summary>Refuses to go on with other settings: schedules, loss and clipping would not be those of the run.</summary>
    /// <param name="path">Named in errors.</param>
    /// <param name="arguments">The saved arguments; null compares nothing.</param>
    /// <param name="options">The run.</param>
    /// <param name="crops">Its views, or null to leave them out.</param>
    /// <exception cref="InvalidDataException">Names every setting that differs, and the option that makes it equal.</exception>
    public static void RequireSame(string path, TorchDictionary? arguments, DinoOptions options, MultiCropOptions? crops)
    {
        List<string> differences = [];
        foreach (Setting setting in Settings(options, crops))
        {
            if (arguments is not null && arguments.TryGetValue(setting.Name, out object? saved) && saved is not null && !IsSame(saved, setting.Value))
                differences.Add($"{setting.Name} was {Text(saved)}, now {Text(setting.Value)} ({setting.Option} {Text(saved)})");
        }

        if (differences.Count > 0)
            throw new InvalidDataException($"{path} was trained with other settings: {string.Join("; ", differences)}. Resume with the same settings, or start a new run.");
    }

    /// <summary>The batch is not among them: the official one is that of one of several GPUs.</summary>
    private static IEnumerable<Setting> Settings(DinoOptions options, MultiCropOptions? crops)
    {
        yield return new("patch_size", options.Backbone.PatchSize, "--patch-size");
        yield return new("drop_path_rate", options.Backbone.DropPath, "--drop-path");
        yield return new("out_dim", options.Head.Prototypes, "--out-dim");
        yield return new("norm_last_layer", options.Head.FixedLength, "--norm-last-layer");
        yield return new("use_bn_in_head", options.Head.BatchNorm, "--use-bn-in-head");
        yield return new("optimizer", options.Optimizer, "--optimizer");
        yield return new("epochs", options.Epochs, "--epochs");
        yield return new("lr", options.LearningRate, "--lr");
        yield return new("min_lr", options.MinLearningRate, "--min-lr");
        yield return new("warmup_epochs", options.WarmupEpochs, "--warmup-epochs");
        yield return new("weight_decay", options.WeightDecay, "--weight-decay");
        yield return new("weight_decay_end", options.WeightDecayEnd, "--weight-decay-end");
        yield return new("momentum_teacher", options.MomentumTeacher, "--momentum-teacher");
        yield return new("teacher_temp", options.TeacherTemperature, "--teacher-temp");
        yield return new("warmup_teacher_temp", options.WarmupTeacherTemperature, "--warmup-teacher-temp");
        yield return new("warmup_teacher_temp_epochs", options.WarmupTeacherTemperatureEpochs, "--warmup-teacher-temp-epochs");
        yield return new("clip_grad", options.ClipGradient, "--clip-grad");
        yield return new("freeze_last_layer", options.FreezeLastLayer, "--freeze-last-layer");
        if (crops is null)
            yield break;
        yield return new("local_crops_number", crops.LocalCrops, "--local-crops");
        yield return new("global_crops_scale", crops.GlobalScale, "--global-crops-scale");
        yield return new("local_crops_scale", crops.LocalScale, "--local-crops-scale");
    }

    private static bool IsSame(object saved, object value) => (saved, value) switch
    {
        (bool a, bool b) => a == b,
        (string a, string b) => a == b,
        (TorchSequence { Count: 2 } pair, (double low, double high)) => IsSame(pair[0] ?? "", low) && IsSame(pair[1] ?? "", high),
        // Some settings are single precision here.
        (long or double, IConvertible number) when number is not (string or bool) => (float)Number(saved) == (float)number.ToDouble(CultureInfo.InvariantCulture),
        _ => false,
    };

    private static double Number(object value) => ((IConvertible)value).ToDouble(CultureInfo.InvariantCulture);

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        (double low, double high) => string.Create(CultureInfo.InvariantCulture, $"{low} {high}"),
        TorchSequence sequence => string.Join(' ', sequence.Select(Text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "none",
    };
}
