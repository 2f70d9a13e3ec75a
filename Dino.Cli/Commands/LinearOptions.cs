using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Probing;

namespace Dino.Cli.Commands;

/// <summary>How linear classifiers are trained.</summary>
internal sealed class LinearOptions
{
    private const int DefaultBlocks = 4;

    private readonly Option<int?> _epochs = Options.Optional<int>("--epochs", "Passes over the training pictures (100, with --sweep 10).");
    private readonly Option<int> _batch = Options.Of("--batch-size", "Pictures in a batch.", 128);
    private readonly Option<double?> _rate = Options.Optional<double>("--lr", "Learning rate at the start, for a batch of 256; used in proportion to the batch (0.001). What is best differs from network to network: try some, or --sweep.");
    private readonly Option<int?> _blocks = Options.Optional<int>("--blocks", "CLS tokens of so many of the last blocks are the feature (4, or all of fewer; 1 with --avgpool).");
    private readonly Option<bool> _pool = Options.Flag("--avgpool", "Add the mean patch token of the last block to the feature, as the official evaluation of ViT-B does.");
    private readonly Option<bool> _sweep = Options.Flag("--sweep", "Train 13 learning rates on 1 and 4 blocks with and without --avgpool at once, as DINOv2 does, and keep the best.");
    private readonly Option<bool> _cached = Options.Flag("--cached", "Compute the features once, of the centre crop, instead of a new random crop in every epoch: about as many times as fast as there are epochs, but not the official protocol.");
    private readonly Option<int> _every = Options.Of("--val-freq", "Epochs from test to test.", 1);
    private readonly Option<long> _seed = Options.Of("--seed", "Seed of first weights, order and crops.", 0L);

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_epochs, _batch, _rate, _blocks, _pool, _sweep, _cached, _every, _seed])
            command.Add(option);
    }

    /// <summary>The official settings with those that were given.</summary>
    public LinearProbeOptions Resolve(ParseResult parsed, BackboneOptions network)
    {
        LinearProbeOptions options = parsed.GetValue(_sweep) ? Sweep(parsed, network) : new LinearProbeOptions { Heads = [Head(parsed, network)] };
        options = options with
        {
            Epochs = parsed.GetValue(_epochs) ?? options.Epochs,
            BatchSize = parsed.GetValue(_batch),
            IsCached = parsed.GetValue(_cached),
            ValidationEpochs = parsed.GetValue(_every),
            Seed = (ulong)parsed.GetValue(_seed),
        };
        options.Validate();
        return options;
    }

    private LinearProbeOptions Sweep(ParseResult parsed, BackboneOptions network)
    {
        if (parsed.GetValue(_rate) is not null || parsed.GetValue(_blocks) is not null || parsed.GetValue(_pool))
            throw new ArgumentException("--sweep tries learning rates, blocks and mean patch tokens of its own. Leave out --lr, --blocks and --avgpool.");
        return network is VisionTransformerOptions transformer ? LinearProbeOptions.Sweep(transformer.Depth) : LinearProbeOptions.Sweep(1, hasPatches: false);
    }

    private LinearHead Head(ParseResult parsed, BackboneOptions network)
    {
        (int? blocks, bool pool, double rate) = (parsed.GetValue(_blocks), parsed.GetValue(_pool), parsed.GetValue(_rate) ?? 0.001);
        if (network is not VisionTransformerOptions transformer)
            return blocks is null or 1 && !pool ? new LinearHead(1, false, rate) : throw new ArgumentException("A ResNet has one feature: --blocks and --avgpool are for vision transformers.");
        if (blocks > transformer.Depth)
            throw new ArgumentException($"--blocks {blocks}: the network has {transformer.Depth}.");
        return new LinearHead(blocks ?? (pool ? 1 : Math.Min(DefaultBlocks, transformer.Depth)), pool, rate);
    }
}
