using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>A whole DINO step on fixed crops: teacher, student, loss, backward, clipping, AdamW, EMA, centre.</summary>
internal sealed class TrainWorkload : IWorkload
{
    private readonly Device _device;
    private readonly DinoTrainer _trainer;
    private readonly CropView[] _views;
    private readonly int _batch;
    private float _loss;

    /// <param name="architecture">vit_tiny, vit_small or vit_base with 2 x 224 + 8 x 96 pixels, or cifar: ViT-Ti with patches of 4 and 2 x 32 + 4 x 16.</param>
    public TrainWorkload(string architecture, int prototypes, int batch, string device)
    {
        _device = WorkloadDevice.Open(device);
        _batch = batch;
        TrainShape shape = TrainShape.Of(architecture);
        DinoOptions options = new()
        {
            Backbone = shape.Backbone with { DropPath = 0.1f },
            Head = new DinoHeadOptions { Prototypes = prototypes },
            BatchSize = batch,
            Epochs = 100,
            WarmupEpochs = 0,
        };
        _trainer = new DinoTrainer(_device, options, 1 << 20);
        int[] sides = [shape.GlobalSize, shape.GlobalSize, .. Enumerable.Repeat(shape.LocalSize, shape.LocalCrops)];
        _views = [.. sides.Select((side, index) => new CropView(Noise.Of(batch * 3 * side * side, (uint)index << 26), side, side))];
    }

    public void Run() => _loss = _trainer.Step(_views, _batch).Loss;

    /// <summary>The loss.</summary>
    public double[] Check() => [_loss];

    public void Dispose()
    {
        _trainer.Dispose();
        _device.Dispose();
    }
}
