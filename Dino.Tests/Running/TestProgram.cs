using Xunit.Abstractions;
using Xunit.Sdk;

namespace Dino.Tests.Running;

/// <summary>
/// Runs tests where there is no .NET SDK, from a published folder: <c>Dino.Tests [TEXT...] [--only TEXT]</c> runs those whose names contain one of the texts,
/// and the one of <c>--only</c>.
/// </summary>
internal static class TestProgram
{
    private const int Failed = 1, WrongCall = 2, NothingRan = 3;

    /// <returns>0 if tests passed and none failed, 1 if one failed, 2 for a wrong call, 3 if there was none to run.</returns>
    public static int Main(string[] arguments)
    {
        int at = Array.FindIndex(arguments, argument => argument.StartsWith('-'));
        if (at >= 0 && (arguments[at] != "--only" || at + 2 != arguments.Length))
        {
            Console.Error.WriteLine("usage: Dino.Tests [TEXT...] [--only TEXT]");
            return WrongCall;
        }

        (string[] texts, string only) = at < 0 ? (arguments, "") : (arguments[..at], arguments[^1]);
        using TestRun run = new();
        Run(run, test => Contains(test, only) && (texts.Length == 0 || texts.Any(text => Contains(test, text))));
        Console.WriteLine($"Failed: {run.Failed}, Passed: {run.Passed}, Skipped: {run.Skipped}");
        return run.Failed > 0 ? Failed : run.Passed == 0 ? NothingRan : 0;
    }

    /// <summary>Runs the tests of this assembly that are wanted.</summary>
    public static void Run(TestRun run, Func<ITestCase, bool> isWanted)
    {
        using XunitTestFramework framework = new(run);
        using (ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(Reflector.Wrap(typeof(TestProgram).Assembly)))
        {
            discoverer.Find(includeSourceInformation: false, run, new RunSettings());
            run.Await();
        }

        using ITestFrameworkExecutor executor = framework.GetExecutor(typeof(TestProgram).Assembly.GetName());
        executor.RunTests(run.Found.Where(isWanted).ToArray(), run, new RunSettings());
        run.Await();
    }

    private static bool Contains(ITestCase test, string text) => test.DisplayName.Contains(text, StringComparison.Ordinal);
}
