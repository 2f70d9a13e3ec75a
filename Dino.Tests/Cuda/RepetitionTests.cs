using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Ssl;

namespace Dino.Tests.Cuda;

/// <summary>Repeated work on a CUDA device: recorded, replayed, and the same as work that is not.</summary>
public sealed class RepetitionTests
{
    private const int Count = 300;

    [Fact]
    public void Replayed_work_follows_its_arguments_and_uploads()
    {
        EmulatedMachine machine = new();
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        using Bench bench = new(device);
        for (int turn = 0; turn < 6; turn++)
        {
            using (bench.Repetition.Open())
                bench.Scale(turn, by: turn + 0.5f);
            bench.AssertScaled(turn, by: turn + 0.5f);
        }

        // The first turn goes call by call.
        Assert.Equal(5, machine.GraphLaunches);
    }

    // The emulator brings uploads as late as it may: without the wait, work finds what was uploaded before.
    [Fact]
    public void Uploads_go_beside_the_work_and_are_waited_for()
    {
        Assert.True(Run(out long uploads, host => host));
        Assert.Equal(5, uploads);
        Assert.False(Run(out _, host => new DeafHost(host)));

        static bool Run(out long uploads, Func<ILibraryHost, ILibraryHost> wrap)
        {
            EmulatedMachine machine = new();
            using CudaDevice device = new(CudaDevices.Find(wrap(new EmulatedHost(machine))), 0);
            using Bench bench = new(device);
            bool isRight = true;
            for (int turn = 0; turn < 6; turn++)
            {
                using (bench.Repetition.Open())
                    bench.Scale(turn, by: 2);
                isRight &= bench.IsScaled(turn, by: 2);
            }

            uploads = machine.Streams.Sum(stream => stream.LastCopy);
            return isRight;
        }
    }

    [Fact]
    public void Copies_are_made_where_they_come()
    {
        EmulatedMachine machine = new();
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        using Bench bench = new(device);
        bench.Scale(0, by: 1);
        for (int turn = 1; turn < 7; turn++)
        {
            using (bench.Repetition.Open())
            {
                // In the fifth turn work goes on call by call behind the copy.
                bench.ScaleLast(turn, by: 2);
                if (turn == 5)
                    bench.Add(1);
            }

            bench.AssertScaled(turn - 1, by: 2, plus: turn == 5 ? 1 : 0);
        }
    }

    [Fact]
    public void A_turn_that_differs_is_done_and_the_next_one_recorded_again()
    {
        EmulatedMachine machine = new();
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        using Bench bench = new(device);
        for (int turn = 0; turn < 12; turn++)
        {
            float by = turn + 0.5f;
            using (bench.Repetition.Open())
            {
                bench.Scale(turn, by);
                if (turn == 4)
                    bench.Scale(turn, by *= 3);
            }

            bench.AssertScaled(turn, by);
        }

        // Of twelve turns the first, the different one and nothing else: the fifth begins as recorded and ends call by call.
        Assert.Equal(10, machine.GraphLaunches);
    }

    [Fact]
    public void A_turn_that_ends_early_has_done_what_it_did()
    {
        using CudaDevice device = EmulatedHost.OpenDevice();
        using Bench bench = new(device);
        for (int turn = 0; turn < 8; turn++)
        {
            int current = turn;
            Action work = () =>
            {
                using Repetition.Turn open = bench.Repetition.Open();
                bench.Scale(current, by: 2);
                if (current is 1 or 4)
                    throw new TimeoutException();
                bench.Add(current);
            };
            if (turn is 1 or 4)
                Assert.Throws<TimeoutException>(work);
            else
                work();
            bench.AssertScaled(turn, by: 2, plus: turn is 1 or 4 ? 0 : turn);
        }
    }

    [Fact]
    public void Reading_a_result_in_the_middle_of_a_turn_divides_it()
    {
        EmulatedMachine machine = new();
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        using Bench bench = new(device);
        for (int turn = 0; turn < 5; turn++)
        {
            using (bench.Repetition.Open())
            {
                bench.Scale(turn, by: 3);
                bench.AssertScaled(turn, by: 3);
                bench.Add(turn);
            }

            bench.AssertScaled(turn, by: 3, plus: turn);
        }

        Assert.Equal(8, machine.GraphLaunches);
    }

    [Fact]
    public void Another_thread_is_told_to_wait()
    {
        using CudaDevice device = EmulatedHost.OpenDevice();
        using Bench bench = new(device);
        for (int turn = 0; turn < 3; turn++)
        {
            using Repetition.Turn open = bench.Repetition.Open();
            bench.Scale(turn, by: 2);
            if (turn == 0)
                continue;
            Exception? refusal = null;
            Thread other = new(() => refusal = Record.Exception(() => bench.Add(1)));
            other.Start();
            other.Join();
            Assert.Contains("Another thread", Assert.IsType<InvalidOperationException>(refusal).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Schedules, drop path, thawing of the last layer: all that changes from step to step, in a run with graphs and in one without.</summary>
    [Theory, InlineData(12, 1), InlineData(6, 2)]
    public void A_replayed_training_run_equals_one_call_by_call_in_every_bit(int steps, int accumulate)
    {
        EmulatedMachine machine = new();
        (float[] losses, float[] weights) = Train(EmulatedHost.OpenDevice(machine), steps, accumulate);
        Assert.True(machine.GraphLaunches >= steps, $"{machine.GraphLaunches} graphs were launched.");
        (float[] plainLosses, float[] plainWeights) = Train(EmulatedHost.OpenDevice(), steps, accumulate, isRepeated: false);
        Assert.Equal(plainLosses, losses);
        Assert.Equal(plainWeights, weights);
    }

    // Bytes between the fields of arguments would be anything, and so seem to have changed.
    [Theory, InlineData("sgd", 1), InlineData("lars", 1), InlineData("sgd", 2)]
    public void A_step_like_the_one_before_changes_no_arguments_and_waits_for_the_loss_only(string optimizer, int accumulate)
    {
        EmulatedMachine machine = new();
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        using DinoTrainer trainer = TinyRun.Trainer(device, TinyRun.Dino with { Optimizer = optimizer }, accumulate: accumulate);
        for (int step = 0; step < 5; step++)
        {
            long changes = machine.ParameterChanges, launches = machine.GraphLaunches, waits = machine.Waits;
            trainer.StepIndex = 3;
            trainer.Step(TinyRun.Views((uint)step), TinyRun.Dino.BatchSize);
            if (step < 2)
                continue;
            Assert.Equal(1 + accumulate, machine.GraphLaunches - launches);
            Assert.Equal(0, machine.ParameterChanges - changes);
            // The host waits for the loss and for the entropy of each part, which is there with it, and for nothing else.
            Assert.Equal(2 * accumulate, machine.Waits - waits);
        }
    }

    private static (float[] Losses, float[] Weights) Train(CudaDevice device, int steps, int accumulate, bool isRepeated = true)
    {
        using (device)
        {
            List<float> losses = [];
            DinoTrainer trainer = TinyRun.Trainer(device, TinyRun.Dino with { FreezeLastLayer = 1 }, accumulate: accumulate);
            for (int step = 0; step < steps; step++)
            {
                // A new trainer has no record: it goes on from the state of the one before.
                if (!isRepeated && step > 0)
                    trainer = Continue(device, trainer, accumulate);
                losses.Add(trainer.Step(TinyRun.Views((uint)step), TinyRun.Dino.BatchSize).Loss);
            }

            float[] weights = new float[trainer.Teacher.Store.Values.Data.Count];
            device.Backend.Download(trainer.Teacher.Store.Values.Data, System.Runtime.InteropServices.MemoryMarshal.AsBytes(weights.AsSpan()));
            trainer.Dispose();
            return ([.. losses], weights);
        }
    }

    private static DinoTrainer Continue(CudaDevice device, DinoTrainer before, int accumulate)
    {
        using TemporaryFolder folder = new();
        string path = folder.Path("checkpoint.safetensors");
        Checkpoint.Save(before, TinyRun.Crops, path);
        before.Dispose();
        DinoTrainer trainer = TinyRun.Trainer(device, TinyRun.Dino with { FreezeLastLayer = 1 }, accumulate: accumulate);
        Checkpoint.Load(trainer, TinyRun.Crops, path);
        return trainer;
    }

    /// <summary>y = factor · x with an x that is uploaded in the turn, and y += number.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly Scope _scope;
        private readonly View _x, _next, _y, _number;

        public Bench(CudaDevice device)
        {
            _scope = device.OpenScope(GradMode.Off);
            (_x, _next, _y, _number) = (_scope.Empty([Count]).View, _scope.Empty([Count]).View, _scope.Empty([Count]).View, _scope.Empty([1]).View);
            Repetition = device.Backend.CreateRepetition();
        }

        public Repetition Repetition { get; }

        private Backend Backend => _scope.Backend;

        public void Scale(int turn, float by)
        {
            Backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Values(turn).AsSpan()), _x);
            Backend.Axpby(by, _x, 0, _y);
        }

        /// <summary>y = factor · (x as it was), and then another x, by way of a copy.</summary>
        public void ScaleLast(int turn, float by)
        {
            Backend.Axpby(by, _x, 0, _y);
            Backend.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Values(turn).AsSpan()), _next);
            Backend.Copy(_next, _x);
        }

        public void Add(float number)
        {
            Backend.Fill(_number, number);
            Backend.Binary(BinaryOp.Add, _y, _number, _y, Broadcast.Scalar);
        }

        public void AssertScaled(int turn, float by, float plus = 0) => Assert.Equal(Scaled(turn, by, plus), Read());

        public bool IsScaled(int turn, float by) => Scaled(turn, by, plus: 0).AsSpan().SequenceEqual(Read());

        public void Dispose()
        {
            Repetition.Dispose();
            _scope.Dispose();
        }

        private float[] Read()
        {
            float[] found = new float[Count];
            Backend.Download(_y, System.Runtime.InteropServices.MemoryMarshal.AsBytes(found.AsSpan()));
            return found;
        }

        private static float[] Scaled(int turn, float by, float plus) => Array.ConvertAll(Values(turn), value => (value * by) + plus);

        /// <summary>Small whole numbers: all results are exact.</summary>
        private static float[] Values(int turn) => [.. Enumerable.Range(0, Count).Select(i => (float)((i + turn) % 7))];
    }
}
