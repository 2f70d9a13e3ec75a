using System.Diagnostics;
using System.Text.Json;
using Dino.Ssl.Data;
using Dino.Tests.Ssl;

namespace Dino.Tests.Cli;

/// <summary>Runs that are stopped from outside, politely and not.</summary>
public sealed class InterruptionTests
{
    /// <summary>Five steps each: a few seconds in all.</summary>
    private const int Epochs = 120;

    /// <summary>Every picture is read in every epoch, so that a picture that is not given holds the run.</summary>
    private static readonly string[] Reading = ["--cache-mb", "0"];

    [SignalFact]
    public void Control_C_writes_a_checkpoint_ends_with_0_and_the_run_can_be_resumed()
    {
        const int Steps = 4 * 5;
        using TinyCommand tiny = new();
        using HeldPicture held = new(ImageFolder.Open(tiny.TrainData).Samples[7].Path);
        using DinoProcess process = DinoProcess.Start(tiny.Train("run", 4, Reading));
        // Once for each epoch, some steps ahead: what is asked for is prepared, not yet used.
        held.Give();
        held.WaitUntilAsked(process);
        held.WaitUntilAsked(process);
        WaitForLines(process, tiny.Path("run", "log.jsonl"), 2);
        process.Interrupt();
        process.WaitToSay("stopping after this step");
        held.Give();
        JsonElement stopped = process.Wait().Expect(0).Json;
        Assert.False(stopped.GetProperty("completed").GetBoolean());
        int steps = stopped.GetProperty("steps").GetInt32();
        Assert.InRange(steps, 2, 10);
        Assert.True(File.Exists(tiny.Path("run", "checkpoint.safetensors")));
        Assert.True(File.Exists(tiny.Path("run", "teacher.safetensors")));

        held.Give(4);
        DinoResult resumed = DinoProcess.Run(tiny.Train("run", 4, [.. Reading, "--resume"])).Expect(0);
        Assert.Contains($"resuming at step {steps}:", resumed.Errors, StringComparison.Ordinal);
        Assert.True(resumed.Json.GetProperty("completed").GetBoolean());
        Assert.Equal(Steps, resumed.Json.GetProperty("steps").GetInt32());
    }

    [SignalFact]
    public void Killed_again_and_again_a_resumed_run_ends_with_the_same_state_bit_for_bit()
    {
        using TinyCommand tiny = new();
        string[] options = ["--checkpoint-steps", "3", .. Reading];
        DinoProcess.Run(tiny.Train("whole", Epochs, options)).Expect(0);
        // Six lines an epoch. Each run may read one of the pictures 35 times, so that none can come to its end before it is killed.
        using (HeldPicture held = new(ImageFolder.Open(tiny.TrainData).Samples[7].Path))
        {
            foreach (int lines in (int[])[2, 101, 350])
            {
                held.Give(35);
                using DinoProcess process = DinoProcess.Start(tiny.Train("killed", Epochs, [.. options, "--resume"]));
                WaitForLines(process, tiny.Path("killed", "log.jsonl"), lines);
                process.Kill();
                Assert.NotEqual(0, process.Wait().ExitCode);
            }
        }

        DinoProcess.Run(tiny.Train("killed", Epochs, [.. options, "--resume"])).Expect(0);
        TinyRun.AssertSameState(tiny.Path("whole"), tiny.Path("killed"));
        Assert.Equal(TinyRun.LogWithoutSpeed(tiny.Path("whole")), TinyRun.LogWithoutSpeed(tiny.Path("killed")));
        Assert.Empty(Directory.EnumerateFiles(tiny.Path("killed"), "*.tmp"));
    }

    private static void WaitForLines(DinoProcess process, string log, int lines)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (Count(log) < lines)
        {
            if (process.HasExited)
                Assert.Fail($"dino ended before its log had {lines} lines: {process.Wait()}");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), $"After {clock.Elapsed} the log has {Count(log)} lines.");
            Thread.Sleep(2);
        }
    }

    private static int Count(string log)
    {
        if (!File.Exists(log))
            return 0;
        using FileStream stream = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
