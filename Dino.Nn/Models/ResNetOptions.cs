namespace Dino.Nn;

/// <summary>Architecture of a <see cref="ResNet"/>; the defaults are ResNet-18.</summary>
public sealed record ResNetOptions : BackboneOptions
{
    private const int Stages = 4;

    /// <summary>ResNet-18.</summary>
    public ResNetOptions() => (PatchSize, Width) = (1 << (Stages + 1), 512);

    /// <summary>Units in each of the four stages.</summary>
    public StageDepths Depths { get; init; } = new(2, 2, 2, 2);

    /// <summary>Units of three convolutions with four times as many channels at their ends, as from ResNet-50 on.</summary>
    public bool Bottleneck { get; init; }

    /// <summary>Channels of the first convolution.</summary>
    public int Stem { get; init; } = 64;

    /// <summary>Names that <see cref="ByName"/> knows.</summary>
    public static IReadOnlyCollection<string> Names { get; } = ["resnet18", "resnet34", "resnet50", "resnet101"];

    /// <summary>ResNet-18: features of 512.</summary>
    public static ResNetOptions ResNet18 { get; } = new();

    /// <summary>ResNet-34: features of 512.</summary>
    public static ResNetOptions ResNet34 { get; } = new() { Depths = new(3, 4, 6, 3) };

    /// <summary>ResNet-50: features of 2048.</summary>
    public static ResNetOptions ResNet50 { get; } = new() { Depths = new(3, 4, 6, 3), Bottleneck = true, Width = 2048 };

    /// <summary>ResNet-101: features of 2048.</summary>
    public static ResNetOptions ResNet101 { get; } = ResNet50 with { Depths = new(3, 4, 23, 3) };

    /// <summary>Channels inside the units of the first stage; each stage has twice as many as the one before.</summary>
    internal int Planes => Width / (Bottleneck ? 32 : 8);

    /// <summary>The named architecture.</summary>
    /// <exception cref="ArgumentException">Another name; the message lists those there are.</exception>
    public static new ResNetOptions ByName(string name) => name switch
    {
        "resnet18" => ResNet18,
        "resnet34" => ResNet34,
        "resnet50" => ResNet50,
        "resnet101" => ResNet101,
        _ => throw new ArgumentException($"There is no architecture '{name}'. Use one of {string.Join(", ", Names)}.", nameof(name)),
    };

    /// <inheritdoc/>
    public override ResNet Build(ParameterScope scope) => new(scope, this);

    /// <inheritdoc/>
    /// <remarks>Of each convolution its result, the normed and the rectified one.</remarks>
    public override double TrainingValues(int side)
    {
        double Area(int halvings) => Math.Pow(Math.Ceiling((double)side / (1 << halvings)), 2);
        double values = (3 * Area(1) * Stem) + (Area(2) * Stem);
        for (int stage = 0; stage < Stages; stage++)
        {
            double planes = Planes << stage, unit = Bottleneck ? 6 * planes : 2 * planes;
            values += 3 * Area(stage + 2) * unit * Depths[stage];
        }

        return values;
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require(PatchSize == 1 << (Stages + 1), $"A ResNet halves pictures {Stages + 1} times: its patch size is {1 << (Stages + 1)}, not {PatchSize}.");
        int divisor = Bottleneck ? 32 : 8;
        Require(Width % divisor == 0, $"The width {Width} must be a multiple of {divisor}: the last of four stages has 8 times the channels of the first{(Bottleneck ? ", and 4 times as many at the ends of its units" : "")}.");
        Require(Stem > 0, $"The first convolution needs channels: Stem is {Stem}.");
        for (int stage = 0; stage < Stages; stage++)
            Require(Depths[stage] > 0, $"Every stage needs a unit: the depths are {Depths}.");
    }
}
