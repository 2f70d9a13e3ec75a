using Dino.Imaging.Transforms;

namespace Dino.Ssl.Probing;

/// <summary>How linear classifiers are trained on a frozen network. The defaults are those of the official eval_linear of DINO.</summary>
public sealed record LinearProbeOptions
{
    /// <summary>Learning rates of DINOv2's grid, for a batch of 256.</summary>
    public static IReadOnlyList<double> SweepLearningRates { get; } = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1];

    /// <summary>What to train, all at once.</summary>
    public IReadOnlyList<LinearHead> Heads { get; init; } = [new LinearHead(4, AveragePool: false, 0.001)];

    /// <summary>Passes over the pictures.</summary>
    public int Epochs { get; init; } = 100;

    /// <summary>Pictures in a batch; the last of an epoch may be smaller, as in the official code.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Momentum of SGD. There is no weight decay.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether the cosine falls with each step, as in DINOv2, instead of each epoch.</summary>
    public bool AnnealsEachStep { get; init; }

    /// <summary>Filter of the random crops: bilinear in DINO, bicubic in DINOv2.</summary>
    public ResizeFilter CropFilter { get; init; } = ResizeFilter.Bilinear;

    /// <summary>
    /// Computes the features of each picture once, of its centre crop, instead of a new random crop in every epoch: faster by about the number of
    /// epochs, and not the official protocol.
    /// </summary>
    public bool IsCached { get; init; }

    /// <summary>Epochs between two looks at the test pictures; the last epoch is always looked at.</summary>
    public int ValidationEpochs { get; init; } = 1;

    /// <summary>Seed of first weights, order and crops.</summary>
    public ulong Seed { get; init; }

    /// <summary>DINOv2's grid: every learning rate with the last one and the last four blocks, with and without the mean patch token.</summary>
    /// <param name="blocks">Blocks of the network; of fewer than four all are taken.</param>
    /// <param name="hasPatches">Whether there are patch tokens: of a residual network only the learning rates are tried.</param>
    public static LinearProbeOptions Sweep(int blocks, bool hasPatches = true) => new()
    {
        Heads =
        [
            .. from count in ((int[])[1, Math.Min(4, blocks)]).Distinct()
               from pool in hasPatches ? (bool[])[false, true] : [false]
               from rate in SweepLearningRates
               select new LinearHead(count, pool, rate),
        ],
        Epochs = 10,
        AnnealsEachStep = true,
        CropFilter = ResizeFilter.Bicubic,
    };

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names the fix.</exception>
    public void Validate()
    {
        Require(Heads.Count > 0, "A linear probe needs a head at least.");
        Require(Heads.All(head => head.Blocks > 0), "A head needs the CLS token of one block at least: use --blocks 1 or more.");
        Require(Heads.All(head => head.LearningRate > 0 && double.IsFinite(head.LearningRate)), "Learning rates must be positive numbers. Use --lr 0.001 or so.");
        Require(Epochs > 0, $"There must be one epoch at least, not {Epochs}. Use --epochs 1 or more.");
        Require(BatchSize > 0, $"A batch needs one picture at least, not {BatchSize}. Use --batch-size 1 or more.");
        Require(Momentum is >= 0 and < 1, $"The momentum must lie in [0, 1), not {Momentum}.");
        Require(ValidationEpochs > 0, $"There must be one epoch at least from test to test, not {ValidationEpochs}. Use --val-freq 1 or more.");
        Require(Enum.IsDefined(CropFilter), $"There is no filter {CropFilter}.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
            throw new ArgumentException(message);
    }
}
