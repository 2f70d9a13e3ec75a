using System.Runtime.InteropServices;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>Networks as the values of PyTorch files.</summary>
internal static class StateDicts
{
    /// <summary>The values of a network under their names.</summary>
    /// <param name="store">Allocated.</param>
    /// <param name="prefix">In front of every name.</param>
    public static (object Key, object? Value)[] Of(ParameterStore store, string prefix = "") =>
        [.. store.All.Select(parameter => ((object)(prefix + parameter.Name), (object?)Tensor(parameter.Tensor)))];

    /// <summary>Only the backbone, under the names of a released file.</summary>
    public static (object Key, object? Value)[] BackboneOf(DinoNetwork network, string prefix = "") =>
        [.. network.Store.All.Where(parameter => parameter.Name.StartsWith("backbone.", StringComparison.Ordinal)).Select(parameter => ((object)(prefix + parameter.Name["backbone.".Length..]), (object?)Tensor(parameter.Tensor)))];

    /// <summary>The whole state of a run as the official code saves it after an epoch.</summary>
    public static (object Key, object? Value)[] OfficialOf(DinoTrainer trainer, params (object Key, object? Value)[] arguments)
    {
        Parameter[] learned = [.. trainer.Student.Store.Parameters.Where(parameter => !parameter.IsFixed)];
        Parameter[] decayed = [.. learned.Where(parameter => parameter.IsDecayed)], others = [.. learned.Where(parameter => !parameter.IsDecayed)];
        (object, object?)[] state = [.. decayed.Concat(others).Index().Where(item => trainer.Optimizer.Steps[item.Item.Index] > 0).Select(item => ((object)item.Index, (object?)State(item.Item)))];
        return
        [
            ("student", Of(trainer.Student.Store, "module.")),
            ("teacher", Of(trainer.Teacher.Store)),
            ("optimizer", Dictionary(("state", state), ("param_groups", new object?[] { Group(0, decayed.Length), Group(decayed.Length, others.Length) }))),
            ("epoch", trainer.StepIndex / trainer.Schedules.IterationsPerEpoch),
            ("args", new TorchFiles.Namespace(arguments)),
            ("dino_loss", Dictionary(("center", Tensor(trainer.Centre.Value)))),
        ];

        (object Key, object? Value)[] State(Parameter parameter)
        {
            List<(object, object?)> values = [.. trainer.Optimizer.BufferNames.Select((name, buffer) => ((object)name, (object?)Tensor(trainer.Optimizer.Buffer(buffer, parameter.Index))))];
            if (trainer.Options.Optimizer == "adamw")
                values.Add(("step", (Array.Empty<long>(), new float[] { trainer.Optimizer.Steps[parameter.Index] })));
            return [.. values];
        }

        static (object Key, object? Value)[] Group(int first, int count) => Dictionary(("params", Enumerable.Range(first, count).Select(i => (object?)i).ToArray()), ("lr", 0.1));
    }

    public static (object Key, object? Value)[] Dictionary(params (object Key, object? Value)[] items) => items;

    private static (long[] Shape, float[] Values) Tensor(Tensor tensor) => ([.. tensor.Shape.Select(length => (long)length)], tensor.ToArray());
}
