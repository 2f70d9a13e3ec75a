using Xunit.Abstractions;

namespace Dino.Tests.Running;

/// <summary>Settings of the test framework; what is not set is as the framework has it.</summary>
internal sealed class RunSettings : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    private readonly Dictionary<string, object?> _values = [];

    public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

    public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
}
