using System.Globalization;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>
/// Continues a run of the official code (main_dino.py) from its <c>checkpoint.pth</c>: both networks, the optimizer's state, the centre and the epoch.
/// </summary>
/// <remarks>
/// The optimizer numbers its parameters as get_params_groups orders them: first those with weight decay, then the others, each in the order of the
/// student's state dictionary, without what is not learned.
/// </remarks>
public static class OfficialCheckpoint
{
    /// <summary>Restores the state. Everything is checked before anything is changed.</summary>
    /// <param name="trainer">A run before its first step, with the settings of the checkpoint and the same number of steps an epoch.</param>
    /// <param name="path">A file that torch.save wrote.</param>
    /// <param name="crops">Views of each picture, to be compared with those of the checkpoint; null compares nothing.</param>
    /// <exception cref="InvalidDataException">Not such a checkpoint, or one of other settings; the message names them.</exception>
    /// <exception cref="StateDictException">A network of the checkpoint is of another shape; names the keys.</exception>
    /// <exception cref="TorchFileException">The file is damaged or not only data.</exception>
    public static void Load(DinoTrainer trainer, string path, MultiCropOptions? crops = null)
    {
        using TorchFile file = TorchFile.Open(path);
        Load(trainer, file, crops);
    }

    internal static void Load(DinoTrainer trainer, TorchFile file, MultiCropOptions? crops)
    {
        string path = file.FilePath;
        if (file.Find("student") is not TorchDictionary student || file.Find("teacher") is not TorchDictionary || file.Find("epoch") is not long epoch)
            throw new InvalidDataException($"{path} is not a training checkpoint of the official code: it lacks student, teacher or epoch.");
        if (epoch < 0 || epoch > trainer.Options.Epochs)
            throw new InvalidDataException($"{path} was written after epoch {epoch}, the run has {trainer.Options.Epochs}. Train longer: --epochs.");
        OfficialSettings.RequireSame(path, file.Find("args") as TorchDictionary, trainer.Options, crops);
        WeightPart studentPart = WeightPart.Find(file, "student"), teacherPart = WeightPart.Find(file, "teacher");
        StateDict.Check(trainer.Student.Store, file, studentPart.NameOf);
        StateDict.Check(trainer.Teacher.Store, file, teacherPart.NameOf);
        List<(string Name, Tensor Target)> values = [("dino_loss/center", trainer.Centre.Value)];
        List<(int Parameter, int Steps)> steps = [];
        Parameter[] order = [.. student.Keys.OfType<string>().Select(key => trainer.Student.Store.TryFind(studentPart.NameOf($"student/{key}")!)).OfType<Parameter>().Where(parameter => !parameter.IsBuffer && !parameter.IsFixed)];
        ReadOptimizer(trainer, file, order, epoch, values, steps);
        foreach ((string name, Tensor target) in values)
        {
            if (!file.Entries.TryGetValue(name, out TensorEntry? entry) || !entry.Shape.SequenceEqual(target.Shape.Select(length => (long)length)))
                throw new InvalidDataException($"{path}: '{name}' is {entry?.ShapeText ?? "missing"}, the run needs {target.Shape}. Check the architecture and --out-dim.");
        }

        StateDict.Load(trainer.Student.Store, file, studentPart.NameOf);
        StateDict.Load(trainer.Teacher.Store, file, teacherPart.NameOf);
        foreach ((string name, Tensor target) in values)
            file.ReadTensor(name, target);
        foreach ((int parameter, int count) in steps)
            trainer.Optimizer.SetSteps(parameter, count);
        trainer.StepIndex = epoch * trainer.Schedules.IterationsPerEpoch;
    }

    /// <summary>Finds the buffers and step counts of each parameter.</summary>
    private static void ReadOptimizer(DinoTrainer trainer, TorchFile file, Parameter[] order, long epoch, List<(string Name, Tensor Target)> values, List<(int Parameter, int Steps)> steps)
    {
        Parameter[][] groups = [[.. order.Where(parameter => parameter.IsDecayed)], [.. order.Where(parameter => !parameter.IsDecayed)]];
        for (int group = 0; group < groups.Length; group++)
        {
            if (file.Find($"optimizer/param_groups/{group}/params") is not TorchSequence numbers || numbers.Count != groups[group].Length)
            {
                int found = (file.Find($"optimizer/param_groups/{group}/params") as TorchSequence)?.Count ?? 0;
                throw new InvalidDataException($"{file.FilePath}: group {group} of the optimizer has {found} parameters, the network {groups[group].Length}. Check --norm-last-layer and --use-bn-in-head.");
            }

            for (int i = 0; i < numbers.Count; i++)
            {
                Parameter parameter = groups[group][i];
                string place = string.Create(CultureInfo.InvariantCulture, $"optimizer/state/{numbers[i]}");
                string[] names = [.. trainer.Optimizer.BufferNames.Select(name => $"{place}/{name}")];
                // A parameter that was never updated, such as a last layer that is still frozen, has no state.
                bool isUpdated = Array.TrueForAll(names, file.Entries.ContainsKey);
                steps.Add((parameter.Index, isUpdated ? Steps(trainer, file, place, epoch) : 0));
                for (int buffer = 0; isUpdated && buffer < names.Length; buffer++)
                    values.Add((names[buffer], trainer.Optimizer.Buffer(buffer, parameter.Index)));
            }
        }
    }

    /// <summary>AdamW counts its steps, in a tensor or as a number; SGD and LARS only know whether there was one.</summary>
    private static int Steps(DinoTrainer trainer, TorchFile file, string place, long epoch)
    {
        double count = file.Find($"{place}/step") switch
        {
            long number => number,
            double number => number,
            TorchTensor { Count: 1 } => file.ReadDoubles($"{place}/step")[0],
            null when trainer.Options.Optimizer != "adamw" => Math.Max(1, epoch * trainer.Schedules.IterationsPerEpoch),
            _ => -1,
        };
        return count is >= 0 and <= int.MaxValue ? (int)count : throw new InvalidDataException($"{file.FilePath}: '{place}/step' is not a number of steps.");
    }
}
