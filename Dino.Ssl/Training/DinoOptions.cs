using System.Text.Json.Serialization;
using Dino.Nn;

namespace Dino.Ssl.Training;

/// <summary>Settings of a DINO run; the defaults are those of the official code.</summary>
public sealed record DinoOptions
{
    /// <summary>The backbone; its drop path applies to the student only.</summary>
    public VisionTransformerOptions Backbone { get; init; } = VisionTransformerOptions.Small with { DropPath = 0.1f };

    /// <summary>A ResNet in place of the vision transformer; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ResNetOptions? ResNet { get; init; }

    /// <summary>The network that is trained: <see cref="ResNet"/> if there is one, otherwise <see cref="Backbone"/>.</summary>
    public BackboneOptions Network => (BackboneOptions?)ResNet ?? Backbone;

    /// <summary>The projection head.</summary>
    public DinoHeadOptions Head { get; init; } = new();

    /// <summary>Pictures per step.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Passes over the data.</summary>
    public int Epochs { get; init; } = 100;

    /// <summary>adamw, sgd or lars.</summary>
    public string Optimizer { get; init; } = "adamw";

    /// <summary>Peak learning rate for a batch of 256; the rate used is this times batch / 256.</summary>
    public double LearningRate { get; init; } = 5e-4;

    /// <summary>Learning rate that the cosine tends to.</summary>
    public double MinLearningRate { get; init; } = 1e-6;

    /// <summary>Epochs of linear learning rate warm-up.</summary>
    public int WarmupEpochs { get; init; } = 10;

    /// <summary>Weight decay at the start.</summary>
    public double WeightDecay { get; init; } = 0.04;

    /// <summary>Weight decay that the cosine tends to.</summary>
    public double WeightDecayEnd { get; init; } = 0.4;

    /// <summary>EMA momentum of the teacher at the start; it tends to 1.</summary>
    public double MomentumTeacher { get; init; } = 0.996;

    /// <summary>Temperature of the student's softmax.</summary>
    public double StudentTemperature { get; init; } = 0.1;

    /// <summary>Temperature of the teacher's softmax after its warm-up. Lower sharpens the targets.</summary>
    public double TeacherTemperature { get; init; } = 0.04;

    /// <summary>Temperature of the teacher's softmax in epoch 0.</summary>
    public double WarmupTeacherTemperature { get; init; } = 0.04;

    /// <summary>Epochs of the teacher temperature's warm-up.</summary>
    public int WarmupTeacherTemperatureEpochs { get; init; }

    /// <summary>Share of the old centre that is kept at each step.</summary>
    public double CentreMomentum { get; init; } = 0.9;

    /// <summary>Bound of each parameter's gradient norm; 0 for none.</summary>
    public double ClipGradient { get; init; } = 3;

    /// <summary>Epochs during which the last layer of the head does not learn.</summary>
    public int FreezeLastLayer { get; init; } = 1;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; }

    /// <summary>The learning rate after the batch / 256 rule.</summary>
    public double ScaledLearningRate => LearningRate * BatchSize / 256;

    /// <summary>Checks the settings against each other.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names the option and the fix.</exception>
    public void Validate()
    {
        Network.Validate();
        Head.Validate();
        Require(BatchSize > 0, $"The batch size must be positive, not {BatchSize}.");
        Require(Epochs > 0, $"The number of epochs must be positive, not {Epochs}.");
        Require(WarmupEpochs >= 0 && WarmupEpochs <= Epochs, $"The learning rate warm-up of {WarmupEpochs} epochs does not fit a run of {Epochs}. Lower --warmup-epochs or train longer.");
        Require(Optimizer is "adamw" or "sgd" or "lars", $"There is no optimizer '{Optimizer}'. Use adamw, sgd or lars.");
        Require(IsRate(LearningRate) && IsRate(MinLearningRate), $"Learning rates must be finite and not negative, not {LearningRate} and {MinLearningRate}.");
        Require(IsRate(WeightDecay) && IsRate(WeightDecayEnd), $"Weight decay must be finite and not negative, not {WeightDecay} and {WeightDecayEnd}.");
        Require(MomentumTeacher is >= 0 and <= 1, $"The teacher's momentum must lie in [0, 1], not {MomentumTeacher}.");
        Require(CentreMomentum is >= 0 and <= 1, $"The centre's momentum must lie in [0, 1], not {CentreMomentum}.");
        Require(IsTemperature(StudentTemperature) && IsTemperature(TeacherTemperature) && IsTemperature(WarmupTeacherTemperature), $"Temperatures must be finite and positive, not {StudentTemperature} (student), {TeacherTemperature} and {WarmupTeacherTemperature} (teacher, and in its warm-up).");
        Require(WarmupTeacherTemperatureEpochs >= 0, "The teacher temperature's warm-up must not be negative.");
        Require(ClipGradient >= 0, $"The gradient clip must not be negative (0 turns it off), not {ClipGradient}.");
        Require(FreezeLastLayer >= 0, "The epochs with a frozen last layer must not be negative.");
    }

    private static bool IsRate(double value) => value >= 0 && double.IsFinite(value);

    private static bool IsTemperature(double value) => value > 0 && double.IsFinite(value);

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
