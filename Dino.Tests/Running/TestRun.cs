using Xunit.Abstractions;

namespace Dino.Tests.Running;

/// <summary>Hears what the test framework finds and runs, counts it, and writes failures to the standard error output as they come.</summary>
internal sealed class TestRun : LongLivedMarshalByRefObject, IMessageSink, IDisposable
{
    private readonly AutoResetEvent _isOver = new(false);
    private readonly List<ITestCase> _found = [];

    /// <summary>Tests found.</summary>
    public IReadOnlyList<ITestCase> Found => _found;

    /// <summary>Tests passed.</summary>
    public int Passed { get; private set; }

    /// <summary>Tests failed, and whatever else went wrong around them.</summary>
    public int Failed { get; private set; }

    /// <summary>Tests skipped.</summary>
    public int Skipped { get; private set; }

    /// <summary>Waits for the end of the search, or of the run.</summary>
    public void Await() => _isOver.WaitOne();

    /// <inheritdoc/>
    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestCaseDiscoveryMessage discovery:
                _found.Add(discovery.TestCase);
                break;
            case ITestPassed:
                Passed++;
                break;
            case ITestSkipped skip:
                Skipped++;
                Console.Error.WriteLine($"[skipped] {skip.Test.DisplayName}: {skip.Reason}");
                break;
            case IFailureInformation failure:
                Failed++;
                Report((message as ITestMessage)?.Test.DisplayName ?? message.GetType().Name, failure);
                break;
            case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                _isOver.Set();
                break;
        }

        return true;
    }

    public void Dispose() => _isOver.Dispose();

    private static void Report(string name, IFailureInformation failure)
    {
        Console.Error.WriteLine($"[failed] {name}");
        for (int i = 0; i < failure.Messages.Length; i++)
            Console.Error.WriteLine($"  {failure.ExceptionTypes[i]}: {failure.Messages[i]}\n{failure.StackTraces[i]}");
    }
}
