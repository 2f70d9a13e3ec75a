using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Optimizer steps that a CUDA device has recorded: schedules and frozen parameters must come through.</summary>
public sealed class CudaRepeatedStepTests
{
    private const int Steps = 6;
    private static readonly int[] Lengths = [5000, 17, 260];

    [Theory, InlineData("adamw"), InlineData("sgd"), InlineData("lars")]
    public void Recorded_steps_equal_single_ones(string optimizer) => Assert.Equal(Train(optimizer, isRepeated: false), Train(optimizer, isRepeated: true));

    // Rates and decays change at every step; the last parameter joins at the fourth, so that the segments are others from then on.
    private static float[][] Train(string optimizer, bool isRepeated)
    {
        using Device device = Devices.Create("cuda");
        using Scope scope = device.OpenScope(GradMode.Off);
        Backend backend = device.Backend;
        using Repetition repetition = backend.CreateRepetition();
        int size = Lengths.Sum();
        Random random = new(1);
        float[] Draw() => [.. Enumerable.Range(0, size).Select(_ => (float)random.NextDouble() - 0.5f)];
        Tensor parameter = scope.Upload<float>(Draw(), [size]), gradient = scope.Upload<float>(Draw(), [size]), follower = scope.Upload<float>(Draw(), [size]);
        Tensor first = scope.Upload<float>(Draw(), [size]), second = scope.Upload<float>(Draw(), [size]), norms = scope.Upload<float>(Draw().AsSpan(0, Lengths.Length), [Lengths.Length]);
        for (int step = 1; step <= Steps; step++)
        {
            Segment[] segments = Segments(step);
            SweepExtras extras = new(norms.View, 3f, follower.View, 0.99 + (0.001 * step));
            if (!isRepeated)
            {
                Step();
                continue;
            }

            using Repetition.Turn turn = repetition.Open();
            Step();

            void Step()
            {
                backend.Upload(MemoryMarshal.AsBytes<float>(Draw()), gradient.View);
                backend.ClipEach(gradient.View, segments, 0, norms.View.Slice(0, [segments.Length]));
                if (optimizer == "adamw")
                    backend.Adam(parameter.View, gradient.View, first.View, second.View, segments, new AdamConstants(0.9, 0.999, 1e-8f), extras);
                else if (optimizer == "sgd")
                    backend.Sgd(parameter.View, gradient.View, first.View, segments, new SgdConstants(0.9f, 0, true), extras);
                else
                    backend.Lars(parameter.View, gradient.View, first.View, segments, new LarsConstants(0.9f, 0.001f), extras);
            }
        }

        return [parameter.ToArray(), first.ToArray(), second.ToArray(), follower.ToArray(), norms.ToArray()];
    }

    private static Segment[] Segments(int step)
    {
        List<Segment> segments = [];
        int offset = 0;
        for (int i = 0; i < Lengths.Length; i++)
        {
            int updates = i == Lengths.Length - 1 ? step - 3 : step;
            if (updates > 0)
                segments.Add(new Segment(offset, Lengths[i], 0.01f * step, i == 1 ? 0 : 0.04f + (0.01f * step), updates, Adapt: i != 1, Norm: i));
            offset += Lengths[i];
        }

        return [.. segments];
    }
}
