using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>What a program does between its start and its first embedding: load weights, run one picture. Used once, in a process of its own.</summary>
internal static class FirstEmbedding
{
    /// <summary>Returns the exit status: 0 if the features are finite.</summary>
    public static int Run(string architecture, string weights, int threads)
    {
        using CpuDevice device = new(threads);
        using LoadedModel model = ModelFile.Load(weights, device, new() { Mapped = true });
        using Scope scope = device.OpenScope(GradMode.Off);
        float[] features = model.Backbone.Forward(scope.Upload(Noise.Of(3 * 224 * 224), [1, 3, 224, 224])).ToArray();
        return Array.TrueForAll(features, float.IsFinite) ? 0 : throw new InvalidOperationException($"The embedding of {architecture} is not finite.");
    }
}
