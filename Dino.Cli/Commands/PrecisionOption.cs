using System.CommandLine;
using Dino.Tensors.Backends;

namespace Dino.Cli.Commands;

/// <summary>How the weights of linear layers are stored for inference.</summary>
internal sealed class PrecisionOption
{
    private readonly Option<string> _precision = Options.Of("--precision", "Weights of the linear layers: fp32, bf16 (half the memory) or int8 (a quarter, and fastest where the processor has AVX-VNNI, see dino devices).", "fp32");

    public void AddTo(Command command) => command.Add(_precision);

    /// <summary>As the user says it.</summary>
    public string NameOf(ParseResult parsed) => parsed.GetValue(_precision)!;

    public WeightFormat Of(ParseResult parsed) => parsed.GetValue(_precision) switch
    {
        "fp32" => WeightFormat.F32,
        "bf16" => WeightFormat.BF16,
        "int8" => WeightFormat.I8,
        string other => throw new ArgumentException($"There is no precision '{other}'. Use --precision fp32, bf16 or int8."),
        null => throw new ArgumentException("--precision must be fp32, bf16 or int8."),
    };
}
