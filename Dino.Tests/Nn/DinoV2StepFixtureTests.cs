using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>
/// Every gradient of a DINOv2 network in a whole step of its official training: global crops with masked patches, local crops, and losses on CLS and
/// patch tokens. The losses are composed here, targets on the host in double precision.
/// </summary>
public sealed class DinoV2StepFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("c_v2_step", name => name.StartsWith("v2_step_", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Losses_and_every_gradient_agree_with_the_official_step(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            using Networks student = new(golden, device, "student."), teacher = new(golden, device, "teacher.");
            double[][] centres = new double[2][];
            // Two steps without an update: the centre of the first is applied in the second.
            for (int step = 0; golden.Has($"out.step{step}.total"); step++)
            {
                using Scope scope = device.OpenScope();
                Dictionary<string, Tensor> losses = new Losses(golden, scope, student, teacher, centres).Compute();
                foreach ((string loss, Tensor value) in losses.Where(loss => golden.Has($"out.step{step}.{loss.Key}")))
                    golden.AssertMatches($"out.step{step}.{loss}", value.ToArray());
                student.Store.ClearGradients();
                scope.Backward(losses["total"]);
            }

            FixtureWeights.AssertGradients(student.Store, golden, "grad.");
        }
    }

    /// <summary>A backbone with its heads.</summary>
    private sealed class Networks : IDisposable
    {
        public Networks(FixtureCase golden, Device device, string role)
        {
            JsonElement config = golden.Config;
            int Integer(string name) => config.GetProperty(name).GetInt32();
            Backbone = new VisionTransformerOptions
            {
                ImageSize = Integer("img"), PatchSize = Integer("patch"), Width = Integer("dim"), Depth = Integer("depth"), Heads = Integer("heads"),
                LayerScale = (float)config.GetProperty("layerscale").GetDouble(), Registers = Integer("reg"), MaskToken = true,
                PositionsByRatio = config.GetProperty("interpolate_offset").GetDouble() == 0,
            }.Build(Store.Root / "backbone");
            DinoHeadOptions head = new() { Prototypes = Integer("prototypes"), Hidden = Integer("hidden"), Bottleneck = Integer("bottleneck"), FixedLength = false };
            ClsHead = new DinoHead(Store.Root / "dino_head", Integer("dim"), head);
            PatchHead = config.GetProperty("sep").GetBoolean() ? new DinoHead(Store.Root / "ibot_head", Integer("dim"), head) : ClsHead;
            Store.Allocate(device, withGradients: role == "student.");
            FixtureWeights.LoadFile(Store, Path.Combine(golden.Folder, golden.Name + ".weights.safetensors"), role);
        }

        public ParameterStore Store { get; } = new();

        public VisionTransformer Backbone { get; }

        public DinoHead ClsHead { get; }

        public DinoHead PatchHead { get; }

        public void Dispose() => Store.Dispose();
    }

    /// <summary>The losses of one step, top to bottom.</summary>
    private sealed class Losses(FixtureCase golden, Scope scope, Networks student, Networks teacher, double[][] centres)
    {
        private const float StudentTemperature = 0.1f;

        private readonly JsonElement _config = golden.Config;

        public Dictionary<string, Tensor> Compute()
        {
            int locals = _config.GetProperty("nl").GetInt32();
            float koleoWeight = (float)_config.GetProperty("koleo").GetDouble();
            Tensor crops = Upload("in.global_crops"), mask = FixtureMasks.Upload(scope, golden, "in.masks");
            int[] masked = [.. golden.Singles("in.mask_indices").Select(index => (int)index)];

            TokenSequence taught = teacher.Backbone.Tokens(crops);
            // Each view is taught by the other one.
            Tensor[] views = taught.Cls.Chunk(0, 2);
            Tensor clsTargets = Targets(teacher.ClsHead.Forward(Tensor.Concat(0, views[1], views[0])), 0);
            Tensor patchTargets = Targets(teacher.PatchHead.Forward(Patches(taught, masked)), 1);

            TokenSequence global = student.Backbone.Tokens(crops, mask);
            Tensor cls = global.Cls, local = student.Backbone.Forward(Upload("in.local_crops"));
            float terms = 2 + (2 * locals);
            Tensor localLoss = scope.Zeros([]);
            foreach (Tensor crop in student.ClsHead.Forward(local).Chunk(0, locals))
            {
                foreach (Tensor target in clsTargets.Chunk(0, 2))
                    localLoss += CrossEntropy(crop, target).Mean();
            }

            Tensor patches = CrossEntropy(student.PatchHead.Forward(Patches(global, masked)), patchTargets);
            Tensor patchLoss = (patches * Upload("in.masks_weight")).Sum() / golden.Shape("in.masks")[0];
            Dictionary<string, Tensor> losses = new()
            {
                ["dino_local_crops_loss"] = localLoss / terms,
                ["dino_global_crops_loss"] = CrossEntropy(student.ClsHead.Forward(cls), clsTargets).Mean() * (2 / terms),
                ["ibot_loss"] = patchLoss / 2,
            };
            Tensor total = losses["dino_local_crops_loss"] + losses["dino_global_crops_loss"] + patchLoss;
            if (koleoWeight > 0)
            {
                Tensor spread = (Spread(cls.Chunk(0, 2)[0]) + Spread(cls.Chunk(0, 2)[1])) * koleoWeight;
                losses["koleo_loss"] = spread / 2;
                total += spread;
            }

            losses["total"] = total;
            return losses;
        }

        private Tensor Upload(string name) => scope.Upload(golden.Singles(name), new Shape(golden.Shape(name)));

        private static Tensor Patches(TokenSequence tokens, int[] which)
        {
            Tensor patches = tokens.Patches;
            return patches.Reshape(-1, patches.Shape[2]).IndexSelect(0, which);
        }

        /// <summary>-Σ target · log softmax(logits / temperature) of each row.</summary>
        private static Tensor CrossEntropy(Tensor logits, Tensor target) => -(target * (logits / StudentTemperature).LogSoftmax()).Sum([-1]);

        /// <summary>The KoLeo term: minus the mean logarithm of the distances to the nearest neighbours.</summary>
        private static Tensor Spread(Tensor features)
        {
            Tensor rows = features.Normalize(epsilon: 1e-8f);
            float[] products = rows.MatMul(rows, transposeOther: true).ToArray();
            int count = rows.Shape[0];
            int[] nearest = [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, count).Where(j => j != i).MaxBy(j => products[(i * count) + j]))];
            return -((rows - rows.IndexSelect(0, nearest) + 1e-8f).NormL2([-1]) + 1e-8f).Log().Mean();
        }

        /// <summary>What the teacher's logits teach, without a gradient.</summary>
        /// <param name="kind">0 for CLS tokens, 1 for patches: each has a centre.</param>
        private Tensor Targets(Tensor logits, int kind)
        {
            double temperature = _config.GetProperty("teacher_temp").GetDouble();
            (int rows, int columns) = (logits.Shape[0], logits.Shape[1]);
            double[] q = [.. logits.ToArray().Select(logit => (double)logit)];
            if (_config.GetProperty("cent").GetString() == "centering")
                Centre(q, kind, temperature, columns);
            else
                Balance(q, temperature, rows, columns);
            return scope.Upload([.. q.Select(value => (float)value)], [rows, columns]);
        }

        /// <summary>softmax((logits - centre) / temperature); the mean of these logits moves the centre of the next step.</summary>
        private void Centre(double[] q, int kind, double temperature, int columns)
        {
            double[] centre = centres[kind] ?? new double[columns], next = [.. centre.Select(value => 0.9 * value)];
            int rows = q.Length / columns;
            for (int i = 0; i < q.Length; i++)
                next[i % columns] += 0.1 * q[i] / rows;
            centres[kind] = next;
            for (int row = 0; row < rows; row++)
            {
                Span<double> values = q.AsSpan(row * columns, columns);
                double sum = 0;
                for (int k = 0; k < columns; k++)
                    sum += values[k] = Math.Exp((values[k] - centre[k]) / temperature);
                for (int k = 0; k < columns; k++)
                    values[k] /= sum;
            }
        }

        /// <summary>Three rounds of Sinkhorn-Knopp: every prototype gets the same share of all rows, every row sums to 1.</summary>
        private static void Balance(double[] q, double temperature, int rows, int columns)
        {
            for (int i = 0; i < q.Length; i++)
                q[i] = Math.Exp(q[i] / temperature);
            for (int round = 0; round < 3; round++)
            {
                for (int k = 0; k < columns; k++)
                    Scale(q, k, columns, rows, 1.0 / columns);
                for (int row = 0; row < rows; row++)
                    Scale(q, row * columns, 1, columns, 1);
            }
        }

        private static void Scale(double[] q, int start, int step, int count, double total)
        {
            double sum = 0;
            for (int i = 0; i < count; i++)
                sum += q[start + (i * step)];
            for (int i = 0; i < count; i++)
                q[start + (i * step)] *= total / sum;
        }
    }
}
