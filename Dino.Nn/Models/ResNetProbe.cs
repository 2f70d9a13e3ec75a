namespace Dino.Nn;

/// <summary>Reads the architecture of a ResNet off its weights.</summary>
internal static class ResNetProbe
{
    public static ResNetOptions? Probe(WeightShapes shapes)
    {
        int stem = shapes.Length("conv1.weight", 0), planes = shapes.Length("layer1.0.conv1.weight", 0);
        StageDepths depths = new(Units(1), Units(2), Units(3), Units(4));
        if (stem == 0 || planes == 0 || depths.First == 0 || depths.Second == 0 || depths.Third == 0 || depths.Fourth == 0)
            return null;
        bool bottleneck = shapes.Has("layer1.0.conv3.weight");
        return new ResNetOptions
        {
            Width = planes * 8 * (bottleneck ? 4 : 1),
            Channels = shapes.Length("conv1.weight", 1),
            Stem = stem,
            Depths = depths,
            Bottleneck = bottleneck,
            Classes = shapes.Length("fc.weight", 0),
        };

        int Units(int stage) => shapes.Count($"layer{stage}.", ".conv1.weight");
    }
}
