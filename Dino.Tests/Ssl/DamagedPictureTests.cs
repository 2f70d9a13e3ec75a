using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Imaging;
using Dino.Tests.Ssl.Data;

namespace Dino.Tests.Ssl;

/// <summary>A run over a folder as folders are: some files are damaged, empty, huge, or not pictures at all.</summary>
public sealed class DamagedPictureTests
{
    [Fact]
    public void Training_goes_on_names_each_unusable_file_once_and_counts_them()
    {
        using TinyRun tiny = new();
        string[] unusable = AddUnusable(tiny.Data);
        // A PNG under the name of a JPEG is a picture: the content decides.
        File.WriteAllBytes(Path.Combine(tiny.Data, "rings", "misnamed.jpg"), PictureFolder.Png(24, 24, 3));
        ConcurrentQueue<SkippedPicture> reported = new();
        // 27 files in three steps: every file is met in every epoch.
        RunOptions options = tiny.Options("run") with { Dino = TinyRun.Dino with { BatchSize = 9 } };
        using CpuDevice device = new(1);
        using TrainingRun run = new(device, options, reported.Enqueue);
        TrainingResult result = run.Run();

        Assert.Equal((9, true), ((int)result.Step, result.Completed));
        Assert.Equal(unusable, reported.Select(skipped => skipped.Path).Order(StringComparer.Ordinal));
        Assert.Equal(unusable, result.Skipped.Select(skipped => skipped.Path).Order(StringComparer.Ordinal));
        Assert.All(reported, skipped => Assert.DoesNotContain(skipped.Path, skipped.Reason, StringComparison.Ordinal));
        JsonObject[] epochs = [.. TinyRun.Log(options.Output).Where(line => (string)line["type"]! == "epoch")];
        Assert.Equal([6, 6, 6], epochs.Select(line => (int)line["skipped_pictures"]!));
    }

    [Fact]
    public void Reasons_say_what_is_wrong_with_a_file()
    {
        using TinyRun tiny = new();
        AddUnusable(tiny.Data);
        using CpuDevice device = new(1);
        using TrainingRun run = new(device, tiny.Options("run") with { Dino = TinyRun.Dino with { BatchSize = 13, Epochs = 1 } });
        Dictionary<string, string> reasons = run.Run().Skipped.ToDictionary(skipped => Path.GetFileName(skipped.Path), skipped => skipped.Reason);
        Assert.Contains("empty", reasons["empty.png"], StringComparison.Ordinal);
        Assert.Contains("400000000 pixels", reasons["huge.png"], StringComparison.Ordinal);
        Assert.Contains("GIF", reasons["animation.jpg"], StringComparison.Ordinal);
        Assert.All(reasons.Values, Assert.NotEmpty);
    }

    [Fact]
    public void A_run_over_damaged_pictures_does_not_depend_on_workers_and_resumes_bit_for_bit()
    {
        using TinyRun tiny = new();
        AddUnusable(tiny.Data);
        TinyRun.Train(tiny.Options("whole") with { Workers = 1 });
        RunOptions options = tiny.Options("parts") with { Workers = 3, Resume = true };
        using CancellationTokenSource source = new();
        TinyRun.Train(options, watch: progress => { if (progress.Step == 8) source.Cancel(); }, cancellationToken: source.Token);
        TinyRun.Train(options);
        TinyRun.AssertSameState(tiny.Output("whole"), tiny.Output("parts"));
    }

    [Fact]
    public void A_folder_without_a_usable_picture_is_an_error_that_says_so()
    {
        using PictureFolder folder = new();
        for (int i = 0; i < 6; i++)
            folder.AddBytes($"{i}.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 1, 2, 3]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Train(folder));
        Assert.Contains("None of the 6 pictures", error.Message, StringComparison.Ordinal);
        Assert.Contains(".png: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_picture_file_is_an_error_that_says_what_it_holds()
    {
        using PictureFolder folder = new();
        folder.AddBytes("notes.txt", [65]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Train(folder));
        Assert.Contains("holds no picture", error.Message, StringComparison.Ordinal);
        Assert.Contains(".txt", error.Message, StringComparison.Ordinal);
    }

    private static void Train(PictureFolder folder) => TinyRun.Train(new RunOptions
    {
        Data = folder.Path,
        Output = Path.Combine(folder.Path, ".run"),
        Dino = TinyRun.Dino,
        Crops = TinyRun.Crops,
    });

    /// <summary>Six files that no decoder accepts, one of each kind, sorted.</summary>
    private static string[] AddUnusable(string data)
    {
        byte[] good = PictureFolder.Png(24, 24, 1);
        byte[] corrupt = [.. good];
        corrupt[good.Length / 2] ^= 0x10;
        (string Name, byte[] Content)[] files =
        [
            ("corrupt.png", corrupt),
            ("truncated.png", good[..(good.Length / 2)]),
            ("empty.png", []),
            ("notes.png", "These are notes, not a picture."u8.ToArray()),
            ("animation.jpg", "GIF89a..............................."u8.ToArray()),
            ("huge.png", PngChunkEditor.File(20_000, 20_000, new byte[64])),
        ];
        string folder = Directory.EnumerateDirectories(data).Order(StringComparer.Ordinal).First();
        foreach ((string name, byte[] content) in files)
            File.WriteAllBytes(Path.Combine(folder, name), content);
        return [.. files.Select(file => Path.Combine(folder, file.Name)).Order(StringComparer.Ordinal)];
    }
}
