using Dino.Tensors;

namespace Dino.Tests.Tensors.Ops;

/// <summary>Batch norm of [N, C], [N, C, L] and [N, C, H, W]; torch updates its running statistics on the way.</summary>
internal static class BatchNormCases
{
    public static Dictionary<string, object?> Compute(CaseTensors tensors)
    {
        Tensor x = tensors.Input("x"), weight = tensors.Parameter("weight"), bias = tensors.Parameter("bias");
        Tensor mean = tensors.Constant("running_mean"), variance = tensors.Constant("running_var");
        float epsilon = tensors.Case.Config.GetProperty("eps").GetSingle(), momentum = tensors.Case.Config.GetProperty("momentum").GetSingle();
        Tensor rows = ToChannelsLast(x);
        if (!tensors.Case.Config.GetProperty("training").GetBoolean())
        {
            Tensor scaled = ((rows - mean) * ((variance + epsilon).Rsqrt() * weight)) + bias;
            return new() { ["y"] = ToChannelsSecond(scaled), ["running_mean"] = mean, ["running_var"] = variance };
        }

        Tensor y = rows.BatchNorm(weight, bias, epsilon, out Tensor batchMean, out Tensor batchVariance);
        float n = x.Count / x.Shape[1];
        return new()
        {
            ["y"] = ToChannelsSecond(y),
            ["running_mean"] = (mean * (1 - momentum)) + (batchMean * momentum),
            ["running_var"] = (variance * (1 - momentum)) + (batchVariance * (momentum * n / (n - 1))),
        };
    }

    private static Tensor ToChannelsLast(Tensor x) => x.Shape.Rank switch
    {
        2 => x,
        3 => x.Permute(0, 2, 1),
        _ => x.Permute(0, 2, 3, 1),
    };

    private static Tensor ToChannelsSecond(Tensor y) => y.Shape.Rank switch
    {
        2 => y,
        3 => y.Permute(0, 2, 1),
        _ => y.Permute(0, 3, 1, 2),
    };
}

/// <summary>NaN, infinities, empty tensors, ties of rounding; the notes of the case name the inputs that it does not hold.</summary>
internal static class SpecialValueCases
{
    public static Dictionary<string, object?> Compute(CaseTensors tensors)
    {
        Scope scope = tensors.Scope;
        Tensor x = tensors.Input("x");
        Tensor row = scope.Upload([1, float.NegativeInfinity, 2], [1, 3]);
        Tensor halves = scope.Upload([7f, -7f], [2]) / 2;
        return new()
        {
            ["softmax_with_inf_row"] = row.Softmax(),
            ["log_softmax_with_inf_row"] = row.LogSoftmax(),
            ["relu"] = x.Relu(),
            ["gelu"] = x.Gelu(),
            ["clamp"] = x.Clamp(-1, 1),
            ["maximum0"] = Tensor.Maximum(x, scope.Zeros([])),
            ["isnan"] = x.IsNaN(),
            ["round_half_even"] = scope.Upload([0.5f, 1.5f, 2.5f, -0.5f, -1.5f], [5]).Round(),
            ["var_single"] = x.Slice(0, x.Shape[0] - 1).Variance(),
            ["mean_empty"] = x.Slice(0, 0, 0).Mean(),
            ["sum_empty"] = x.Slice(0, 0, 0).Sum(),
            // Division is F32's; conversion to integers truncates.
            ["int_div_trunc"] = halves.To(DType.I32),
            ["int_div_floor"] = halves.Floor().To(DType.I32),
        };
    }
}
