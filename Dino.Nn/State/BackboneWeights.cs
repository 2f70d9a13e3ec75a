using Dino.Nn.Naming;
using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>The backbone in a file under its official names, whatever naming the file has; heads and other parts are left out.</summary>
public sealed class BackboneWeights
{
    private const string BackbonePrefix = "backbone.";

    /// <summary>What files hold beside a backbone: projection heads, classifiers, and a norm that DINOv3 uses for the local crops of training only.</summary>
    private static readonly string[] s_others = ["head.", "dino_head.", "ibot_head.", "fc.", "local_cls_norm."];

    private const int Colours = 3;

    /// <summary>What sees the pictures: of a vision transformer, of a ResNet.</summary>
    private static readonly string[] s_firstLayers = ["patch_embed.proj.weight", "conv1.weight"];

    private BackboneWeights(WeightPart part, TensorView tensors, WeightNaming naming, IReadOnlyList<string> leftOut) =>
        (Part, Tensors, Naming, LeftOut) = (part, tensors, naming, leftOut);

    /// <summary>The part of the file they are in.</summary>
    public WeightPart Part { get; }

    /// <summary>The tensors under official names: <c>blocks.0.attn.qkv.weight</c>, <c>layer1.0.conv1.weight</c>.</summary>
    public TensorView Tensors { get; }

    /// <summary>The naming of the file.</summary>
    public WeightNaming Naming { get; }

    /// <summary>Tensors of the file that are not among them, under their names in the file.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Finds a backbone.</summary>
    /// <param name="file">An open file; it must stay open while the tensors are in use.</param>
    /// <param name="key">As in <see cref="WeightPart.Find"/>.</param>
    /// <exception cref="InvalidDataException">Nothing lies under the key, or tensors that belong together do not fit each other.</exception>
    public static BackboneWeights Find(TensorFile file, string? key = null)
    {
        WeightPart part = WeightPart.Find(file, key);
        Dictionary<string, TensorEntry> named = new(StringComparer.Ordinal);
        List<string> leftOut = [];
        foreach (TensorEntry entry in file.Entries.Values)
        {
            string? name = part.NameOf(entry.Name);
            if (name?.StartsWith(BackbonePrefix, StringComparison.Ordinal) == true)
                name = name[BackbonePrefix.Length..];
            if (name is null || s_others.Any(other => name.StartsWith(other, StringComparison.Ordinal)))
                leftOut.Add(entry.Name);
            else if (!named.TryAdd(name, entry))
                throw new InvalidDataException($"{file.FilePath}: '{named[name].Name}' and '{entry.Name}' both mean '{name}'.");
        }

        OfficialNames names = new(file);
        WeightNaming naming = HuggingFaceNames.TryMap(named, names) || HuggingFaceResNetNames.TryMap(named, names)
            ? WeightNaming.HuggingFace
            : TimmNames.Map(named, names) ? WeightNaming.Timm : WeightNaming.Official;
        names.Join();
        return new BackboneWeights(part, names.View, naming, [.. leftOut, .. names.LeftOut]);
    }

    /// <summary>Makes the first layer one for pictures of another number of channels.</summary>
    /// <param name="channels">How many.</param>
    /// <exception cref="InvalidDataException">The network is for neither so many channels nor three.</exception>
    /// <remarks>
    /// timm's rule. For one channel the filters of the three are added up: a grey picture gives what it gives in three equal channels. For others they
    /// are repeated in turn, times 3 / channels, so that sums keep their size.
    /// </remarks>
    public void AdaptChannels(int channels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (Array.Find(s_firstLayers, Tensors.Entries.ContainsKey) is not { } name || Tensors.Entries[name].Shape is not [var outputs, var inputs, var height, var width] || inputs == channels)
            return;
        if (inputs != Colours)
            throw new InvalidDataException($"{Tensors.FilePath}: '{name}' is for {inputs} channels. Only a network for {Colours} can be adapted to {channels}.");
        int area = checked((int)(height * width));
        Tensors.Replace(name, [outputs, channels, height, width], values => channels == 1 ? Summed(values, area) : Repeated(values, area, channels));
    }

    /// <summary>Adds the constants that some namings do without, because the architecture tells them: the periods of rotary positions.</summary>
    /// <param name="architecture">What the tensors are the weights of.</param>
    public void Complete(BackboneOptions architecture)
    {
        if (architecture is not VisionTransformerOptions { Rotary: { } rotary } transformer || Tensors.Entries.ContainsKey(RotaryEmbedding.PeriodsName))
            return;
        float[] periods = RotaryEmbedding.Periods(rotary, transformer.Width / transformer.Heads);
        Tensors.AddValues(RotaryEmbedding.PeriodsName, [periods.Length], () => periods);
    }

    /// <summary>Filters [D, 3, area] to [D, 1, area].</summary>
    private static float[] Summed(float[] filters, int area)
    {
        float[] sums = new float[filters.Length / Colours];
        for (int i = 0; i < sums.Length; i++)
        {
            int first = ((i / area) * Colours * area) + (i % area);
            sums[i] = filters[first] + filters[first + area] + filters[first + (2 * area)];
        }

        return sums;
    }

    /// <summary>Filters [D, 3, area] to [D, channels, area].</summary>
    private static float[] Repeated(float[] filters, int area, int channels)
    {
        float factor = (float)Colours / channels;
        float[] repeated = new float[checked(filters.Length / Colours * channels)];
        for (int i = 0; i < repeated.Length; i++)
        {
            int output = i / (channels * area), channel = i / area % channels;
            repeated[i] = factor * filters[(((output * Colours) + (channel % Colours)) * area) + (i % area)];
        }

        return repeated;
    }
}
