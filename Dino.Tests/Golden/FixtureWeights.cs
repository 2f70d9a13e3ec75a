using Dino.Nn;
using Dino.Tensors.Formats;

namespace Dino.Tests.Golden;

/// <summary>Loads golden weights into networks.</summary>
internal static class FixtureWeights
{
    /// <summary>Loads the file beside a case, strictly.</summary>
    public static void LoadFile(ParameterStore store, string path, string prefix = "")
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        StateDict.Load(store, file, name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null);
    }

    /// <summary>Loads the <c>param.*</c> tensors of the case itself, strictly.</summary>
    public static void LoadParameters(ParameterStore store, FixtureCase golden, string prefix = "param.") =>
        StateDict.Load(store, golden.Data, name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null);

    /// <summary>Compares every gradient of the store with <c>grad.param.*</c>; a gradient the case lacks must be absent here too.</summary>
    public static void AssertGradients(ParameterStore store, FixtureCase golden, string prefix = "grad.param.")
    {
        foreach (Parameter parameter in store.Parameters)
        {
            string name = prefix + parameter.Name;
            if (golden.Has(name))
                golden.AssertMatches(name, parameter.Tensor.GradientToArray());
            else
                Assert.False(parameter.Tensor.HasGradient, $"{golden.Name}: {parameter.Name} has a gradient, the reference has none.");
        }
    }
}
