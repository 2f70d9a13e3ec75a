using Dino.Ssl.Plots;

namespace Dino.Ssl.Report;

/// <summary>The logged quantities of a run, one value per entry of <see cref="Steps"/>.</summary>
public sealed record TrainingCurves
{
    /// <summary>Number of the optimizer step, ascending.</summary>
    public required IReadOnlyList<double> Steps { get; init; }

    /// <summary>Cross-entropy between teacher and student: teacher entropy plus KL.</summary>
    public required IReadOnlyList<double> Loss { get; init; }

    /// <summary>Mean entropy of the teacher's distributions, in nats.</summary>
    public required IReadOnlyList<double> TeacherEntropy { get; init; }

    /// <summary>Mean KL divergence from teacher to student, in nats.</summary>
    public required IReadOnlyList<double> Divergence { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public required IReadOnlyList<double> LearningRate { get; init; }

    /// <summary>K, the width of the head: ln K is the entropy of the uniform distribution.</summary>
    public required int Prototypes { get; init; }

    /// <summary>Loss, teacher entropy, KL and learning rate as charts. Noisy curves are shown pale behind their running mean.</summary>
    /// <remarks>
    /// ln K is drawn because both ways to collapse show against it: with the same one prototype for every picture, loss and
    /// entropy fall to 0; with the uniform distribution, both stay at ln K while the KL divergence is 0.
    /// </remarks>
    public IReadOnlyList<LineChart> ToCharts()
    {
        ReferenceLine uniform = new($"ln K = {Math.Log(Prototypes):0.00}", Math.Log(Prototypes));
        return
        [
            Chart("Loss (cross-entropy, nats)", Noisy("loss", Loss), uniform),
            Chart("Teacher entropy (nats)", Noisy("teacher entropy", TeacherEntropy), uniform),
            Chart("KL divergence, teacher to student (nats)", Noisy("KL", Divergence)) with { Include = 0 },
            Chart("Learning rate", [new ChartSeries("learning rate", Steps, LearningRate)]) with { Include = 0 },
        ];
    }

    private static LineChart Chart(string title, IReadOnlyList<ChartSeries> series, params IReadOnlyList<ReferenceLine> references) =>
        new() { Title = title, Series = series, References = references, XLabel = "step" };

    private ChartSeries[] Noisy(string name, IReadOnlyList<double> values)
    {
        ChartSeries raw = new($"{name} per step", Steps, values);
        // A fortieth of the run: long enough to see the trend, short enough to keep the turns.
        int window = values.Count / 40;
        return window < 2 ? [raw with { Name = name }] : [raw with { Faint = true }, raw.Smoothed(window) with { Name = "running mean" }];
    }
}
