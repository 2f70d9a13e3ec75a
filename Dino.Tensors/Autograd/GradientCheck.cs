namespace Dino.Tensors.Autograd;

/// <summary>
/// Compares the gradient that a function records with central differences of its result: the proof that a backward fits its forward. For the
/// tests of every operation here, and of a <see cref="Function"/> of your own.
/// </summary>
/// <example>
/// <code>GradientCheck.Run(device, x => Triple.Apply(x[0]), [(values, [3, 4])]).Require(3e-3f);</code>
/// </example>
public static class GradientCheck
{
    /// <summary>
    /// Checks the gradients of all inputs. The result y, of any shape, is weighed elementwise with fixed pseudo-random numbers in [-1, 1) and summed, so
    /// that errors which a plain sum hides (the rows of a softmax always sum to 1) are seen.
    /// </summary>
    /// <param name="device">Where to compute.</param>
    /// <param name="function">Maps the inputs to one tensor in their scope; called twice for each element, it must give the same values each time.</param>
    /// <param name="inputs">Values and shapes of the inputs. Keep them off kinks by more than the step.</param>
    /// <param name="step">
    /// Distance of the differences for elements up to 1, relative beyond. At 1e-2 the truncation error (step² f''' / 6) and the rounding error of F32
    /// (about 1e-7 / step) are both near 1e-5 for values of order 1.
    /// </param>
    /// <returns>The element with the largest error.</returns>
    public static GradientReport Run(Device device, Func<Tensor[], Tensor> function, IReadOnlyList<(float[] Values, Shape Shape)> inputs, float step = 1e-2f)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        float[][] gradients = Record(device, function, inputs);
        float[][] values = [.. inputs.Select(input => (float[])input.Values.Clone())];
        GradientReport worst = default;
        for (int input = 0; input < values.Length; input++)
        {
            for (int i = 0; i < values[input].Length; i++)
            {
                float recorded = gradients[input][i];
                double numeric = Difference(input, i);
                double error = Math.Abs(recorded - numeric) / Math.Max(1, Math.Max(Math.Abs(recorded), Math.Abs(numeric)));
                if (double.IsNaN(error) || error > worst.Error)
                    worst = new GradientReport(input, i, recorded, (float)numeric, double.IsNaN(error) ? float.PositiveInfinity : (float)error);
            }
        }

        return worst;

        double Difference(int input, int i)
        {
            float centre = values[input][i], distance = step * Math.Max(1, Math.Abs(centre));
            (float above, float below) = (centre + distance, centre - distance);
            values[input][i] = above;
            double difference = Evaluate(device, function, inputs, values);
            values[input][i] = below;
            difference -= Evaluate(device, function, inputs, values);
            values[input][i] = centre;
            return difference / ((double)above - below);
        }
    }

    private static float[][] Record(Device device, Func<Tensor[], Tensor> function, IReadOnlyList<(float[] Values, Shape Shape)> inputs)
    {
        using Scope scope = device.OpenScope();
        Tensor[] leaves = [.. inputs.Select(input => scope.Upload(input.Values, input.Shape, requiresGradient: true))];
        Tensor y = function(leaves);
        float[] weights = new float[y.Count];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = Weight(i);
        scope.Backward((y * scope.Upload(weights, y.Shape)).Sum());
        return [.. leaves.Select(leaf => leaf.HasGradient ? leaf.GradientToArray() : new float[leaf.Count])];
    }

    /// <summary>Σ y · weight, summed in double: the rounding of a sum in F32 would drown the difference.</summary>
    private static double Evaluate(Device device, Func<Tensor[], Tensor> function, IReadOnlyList<(float[] Values, Shape Shape)> inputs, float[][] values)
    {
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor[] leaves = [.. values.Select((value, i) => scope.Upload(value, inputs[i].Shape))];
        float[] y = function(leaves).ToArray();
        double sum = 0;
        for (int i = 0; i < y.Length; i++)
            sum += (double)y[i] * Weight(i);
        return sum;
    }

    /// <summary>Multiplicative hashing (Knuth): spread over [-1, 1), the same on every run.</summary>
    private static float Weight(int i) => (int)(((uint)i + 1) * 2654435769u) / 2147483648f;
}
