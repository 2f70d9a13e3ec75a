using Xunit.Abstractions;
using Xunit.Sdk;

namespace Dino.Tests.Golden;

/// <summary>A theory over recorded cases. Where the fixture folders hold none of its kind it is counted as skipped, by name, and does not fail.</summary>
[XunitTestCaseDiscoverer("Dino.Tests.Golden.FixtureTheoryDiscoverer", "Dino.Tests")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class FixtureTheoryAttribute : TheoryAttribute;

/// <summary>Finds the cases of a <see cref="FixtureTheoryAttribute"/>.</summary>
public sealed class FixtureTheoryDiscoverer(IMessageSink diagnostics) : TheoryDiscoverer(diagnostics)
{
    public override IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo theoryAttribute)
    {
        IXunitTestCase[] cases = [.. base.Discover(discoveryOptions, testMethod, theoryAttribute)];
        return cases is [ExecutionErrorTestCase error] && error.ErrorMessage.StartsWith("No data found", StringComparison.Ordinal)
            ? CreateTestCasesForSkippedDataRow(discoveryOptions, testMethod, theoryAttribute, ["none"], "The fixture folders hold no case of this kind.")
            : cases;
    }
}
