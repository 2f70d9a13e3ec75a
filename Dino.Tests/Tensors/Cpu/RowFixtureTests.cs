using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Layer norm over the last axis against torch, forward and gradients, through the backend.</summary>
public sealed class RowFixtureTests
{
    public static TheoryData<string> Cases() => FixtureStore.Cases("a_ops", name => name is "layernorm_small_var" or "layernorm_eps5" or "layernorm_eps6");

    [FixtureTheory, MemberData(nameof(Cases))]
    public unsafe void Layer_norm_matches_torch(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using KernelBed bed = new(nameof(Vec512));
        float[] x = golden.Singles("in.x"), gamma = golden.Singles("param.weight"), beta = golden.Singles("param.bias"), dy = golden.Singles("up.y");
        float[] y = new float[x.Length], dx = new float[x.Length], mean = new float[x.Length], rstd = new float[x.Length];
        float[] dgamma = new float[gamma.Length], dbeta = new float[gamma.Length];
        float epsilon = golden.Config.GetProperty("eps").GetSingle();
        fixed (float* px = x, pgamma = gamma, pbeta = beta, pdy = dy, py = y, pdx = dx, pmean = mean, prstd = rstd, pdgamma = dgamma, pdbeta = dbeta)
        {
            Shape rows = [x.Length / gamma.Length], columns = [gamma.Length], matrix = [x.Length / gamma.Length, gamma.Length];
            View vx = new((nint)px, DType.F32, matrix), vgamma = new((nint)pgamma, DType.F32, columns);
            View vmean = new((nint)pmean, DType.F32, rows), vrstd = new((nint)prstd, DType.F32, rows);
            bed.Backend.LayerNorm(vx, vgamma, vgamma with { Address = (nint)pbeta }, epsilon, vx with { Address = (nint)py }, vmean, vrstd);
            bed.Backend.LayerNormBackward(
                vx, vgamma, vmean, vrstd, vx with { Address = (nint)pdy }, new Destination(vx with { Address = (nint)pdx }),
                new Destination(vgamma with { Address = (nint)pdgamma }), new Destination(vgamma with { Address = (nint)pdbeta }));
        }

        golden.AssertMatches("out.y", y);
        golden.AssertMatches("grad.x", dx);
        golden.AssertMatches("grad.param.weight", dgamma);
        golden.AssertMatches("grad.param.bias", dbeta);
    }
}
