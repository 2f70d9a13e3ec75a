using System.CommandLine;
using Dino.Cuda;
using Dino.Tensors.Backends;

namespace Dino.Cli.Commands;

/// <summary>How exactly products are computed.</summary>
internal sealed class PrecisionOption
{
    private readonly Option<string> _precision;
    private readonly bool _isForInference;

    /// <param name="isForInference">Whether weights are only read, so that the CPU too can store them in fewer bits.</param>
    public PrecisionOption(bool isForInference)
    {
        const string OnCuda = "with --device cuda fp32, tf32 or bf16 (tensor cores on operands rounded to 11 or 8 significant bits; sums stay in fp32)";
        _isForInference = isForInference;
        _precision = Options.Of("--precision", isForInference
            ? $"On the CPU the weights of linear layers: fp32, bf16 (half the memory) or int8 (a quarter, and fastest where the processor has AVX-VNNI, see dino devices); {OnCuda}."
            : $"The CPU computes in fp32; {OnCuda}.", "fp32");
    }

    public void AddTo(Command command) => command.Add(_precision);

    /// <summary>As the user says it.</summary>
    public string NameOf(ParseResult parsed) => parsed.GetValue(_precision)!;

    /// <summary>How the weights of linear layers are stored for inference.</summary>
    public WeightFormat FormatOf(ParseResult parsed) => NameOf(parsed) switch
    {
        "fp32" or "tf32" => WeightFormat.F32,
        "bf16" => WeightFormat.BF16,
        "int8" => WeightFormat.I8,
        string other => throw new ArgumentException($"There is no precision '{other}'. Use --precision fp32, {(_isForInference ? "bf16 or int8" : "or with --device cuda tf32 or bf16")}."),
    };

    /// <summary>Refuses what the CPU does not compute in.</summary>
    public void RequireOnCpu(ParseResult parsed)
    {
        if (FormatOf(parsed) != WeightFormat.F32 && !_isForInference)
            throw new ArgumentException($"--precision {NameOf(parsed)}: on the CPU this computes in fp32. Use --precision fp32 or --device cuda.");
        if (NameOf(parsed) == "tf32")
            throw new ArgumentException($"--precision tf32 is for --device cuda. Use --precision fp32{(_isForInference ? ", bf16 or int8" : "")}.");
    }

    public CudaPrecision OnCuda(ParseResult parsed) => NameOf(parsed) switch
    {
        "fp32" => CudaPrecision.FP32,
        "tf32" => CudaPrecision.TF32,
        "bf16" => CudaPrecision.BF16,
        string other => throw new ArgumentException($"--precision {other} is not for --device cuda. Use --precision fp32, tf32 or bf16."),
    };
}
