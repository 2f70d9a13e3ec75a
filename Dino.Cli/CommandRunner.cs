using System.CommandLine;
using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli;

/// <summary>Runs commands: exit code 0 for success (a run included that Ctrl-C stopped and that goes on when called again), 1 for failure (a run included that Ctrl-C stopped for good), 2 for a wrong call.</summary>
internal static class CommandRunner
{
    public const int Failure = 1;
    public const int WrongCall = 2;

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        using Interruption interruption = new();
        InvocationConfiguration configuration = new() { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count == 0)
            return await parsed.InvokeAsync(configuration, interruption.Token).ConfigureAwait(false);
        // Forty lines of options would bury the one that says what is wrong; only a call without any word is answered with all that there is.
        if (args.Length == 0)
            await root.Parse(["--help"]).InvokeAsync(configuration, interruption.Token).ConfigureAwait(false);
        foreach (string sentence in CallErrors.Explain(parsed))
            await Console.Error.WriteLineAsync($"error: {sentence}").ConfigureAwait(false);
        if (args.Length > 0)
            await Console.Error.WriteLineAsync($"See {CallErrors.NameOf(parsed.CommandResult)} --help.").ConfigureAwait(false);
        return WrongCall;
    }

    /// <summary>Gives a command its action; what users can mend is reported in a sentence, without a stack trace.</summary>
    public static Command Does(this Command command, Func<ParseResult, CancellationToken, int> action)
    {
        // Commands compute: they run on a thread of the pool so that Ctrl-C is handled meanwhile.
        command.SetAction((parsed, cancellation) => Task.Run(() => Guard(() => action(parsed, cancellation)), CancellationToken.None));
        return command;
    }

    private static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped.");
            return Failure;
        }
        catch (Exception error) when (error is OverflowException or OutOfMemoryException)
        {
            Console.Error.WriteLine("error: this does not fit into memory. Lower the picture size or the batch size.");
            return Failure;
        }
        catch (ArgumentException error) when (error is not ShapeMismatchException)
        {
            Report(error);
            return WrongCall;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException or StateDictException or ImageException or NonFiniteLossException or ShapeMismatchException or InvalidOperationException or KeyNotFoundException)
        {
            Report(error);
            return Failure;
        }
    }

    private static void Report(Exception error) => Console.Error.WriteLine($"error: {Wording.WithoutCode(error.Message)}");
}
