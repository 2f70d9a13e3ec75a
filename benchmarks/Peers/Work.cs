using Dino.Nn;

namespace Dino.Benchmarks.Peers;

/// <summary>Floating-point operations: 2 for each multiply-add of matrix products, attention and patch embedding; norms, softmax and GELU are not counted.</summary>
internal static class Work
{
    public static double Product(double m, double n, double k, double batch = 1) => 2 * m * n * k * batch;

    /// <summary>CLS features of one square picture. Of the last block only what the CLS token needs is counted: keys and values of all tokens, the rest for one.</summary>
    public static double Forward(VisionTransformerOptions options, int side)
    {
        double patches = Math.Pow(side / options.PatchSize, 2), tokens = patches + 1, width = options.Width, square = 2 * width * width;
        double block = (tokens * square * (4 + (2 * options.MlpRatio))) + (4 * tokens * tokens * width);
        double last = (2 * tokens * square) + (square * (2 + (2 * options.MlpRatio))) + (4 * tokens * width);
        return ((options.Depth - 1) * block) + last + (2 * patches * options.Channels * options.PatchSize * options.PatchSize * width);
    }

    /// <summary>A DINO step: the teacher on both global crops; the student forward and, at twice the work, backward on all crops.</summary>
    public static double TrainStep(TrainShape shape, int prototypes, int batch)
    {
        DinoHeadOptions head = new();
        double global = Forward(shape.Backbone, shape.GlobalSize), local = Forward(shape.Backbone, shape.LocalSize);
        double projection = 2 * (((double)shape.Backbone.Width * head.Hidden) + ((double)head.Hidden * head.Hidden) + ((double)head.Hidden * head.Bottleneck) + ((double)head.Bottleneck * prototypes));
        double teacher = 2 * (global + projection);
        return batch * (teacher + (3 * ((2 * global) + (shape.LocalCrops * local) + ((2 + shape.LocalCrops) * projection))));
    }
}
