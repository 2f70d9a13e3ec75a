using System.Text.Json;
using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>
/// Every operator against torch, forward and gradient: the formula stated in the golden file runs on our operations, on every device. Tolerances
/// are the file's: eight times the rounding error of torch's own F32 run, measured against F64.
/// </summary>
public sealed class OpsFixtureTests : IClassFixture<OpsFixtureTests.AllDevices>
{
    private readonly AllDevices _devices;

    public OpsFixtureTests(AllDevices devices) => _devices = devices;

    public static TheoryData<string> Cases => FixtureStore.Cases("a_ops");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Operators_agree_with_torch(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach ((string name, Device device) in _devices.ByName)
        {
            try
            {
                Check(golden, device);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new Xunit.Sdk.XunitException($"{id} on {name}: {e.Message}", e);
            }
        }
    }

    private static void Check(FixtureCase golden, Device device)
    {
        using Scope scope = device.OpenScope();
        CaseTensors tensors = new(scope, golden);
        Dictionary<string, object?> outputs = Compute(tensors);
        Tensor loss = scope.Zeros([]);
        foreach (string name in golden.Names.Where(name => name.StartsWith("up.", StringComparison.Ordinal)))
            loss += ((Tensor)outputs[name[3..]]! * scope.Upload(golden.Singles(name), new Shape(golden.Shape(name)))).Sum();
        foreach (string name in golden.Names.Where(name => name.StartsWith("out.", StringComparison.Ordinal)))
        {
            Assert.True(outputs.TryGetValue(name[4..], out object? output), $"{golden.Name}: no code computes {name}.");
            Tensor y = (Tensor)output!;
            Assert.Equal(new Shape(golden.Shape(name)), y.Shape);
            golden.AssertMatches(name, y.ToArray());
        }

        string[] gradients = [.. golden.Names.Where(name => name.StartsWith("grad.", StringComparison.Ordinal))];
        if (gradients.Length == 0)
            return;
        scope.Backward(loss);
        foreach (string name in gradients)
            golden.AssertMatches(name, tensors.Leaf(name).GradientToArray());
    }

    private static Dictionary<string, object?> Compute(CaseTensors tensors)
    {
        if (tensors.Case.Json.TryGetProperty("expression", out JsonElement expression))
            return (Dictionary<string, object?>)PythonExpression.Evaluate(expression.GetString()!, tensors.Lookup)!;
        if (tensors.Case.Config.TryGetProperty("training", out _))
            return BatchNormCases.Compute(tensors);
        if (tensors.Case.Has("out.softmax_with_inf_row"))
            return SpecialValueCases.Compute(tensors);
        throw new NotSupportedException($"{tensors.Case.Name} states no expression, and no code covers it.");
    }

    /// <summary>One device of each kind for all cases of this class, which run one after the other.</summary>
    public sealed class AllDevices : IDisposable
    {
        public IReadOnlyList<(string Name, Device Device)> ByName { get; } = [.. Devices.Names.Select(name => (name, Devices.Create(name)))];

        public void Dispose()
        {
            foreach ((_, Device device) in ByName)
                device.Dispose();
        }
    }
}
