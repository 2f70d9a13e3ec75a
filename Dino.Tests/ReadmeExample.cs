using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests;

/// <summary>The examples of the README, which shows the regions word for word.</summary>
internal static class ReadmeExample
{
    #region Use trained weights
    public static string Classify(string weights, string photo, string album, string attention)
    {
        // The file knows its architecture and what to do to pictures. One embedder serves all threads of an application.
        using ImageEmbedder embedder = ImageEmbedder.Load(weights);
        float[] feature = embedder.Embed(photo);

        // A picture of what each attention head looks at.
        LoadedModel model = embedder.Model;
        AttentionMap map = AttentionMap.Of(model, ImageFile.Decode(photo), 2 * model.Backbone.Options.ImageSize, out Image seen);
        PngEncoder.Save(map.Sheet(seen), attention);

        // A folder with one sub-folder per class: the twenty most similar pictures vote.
        FeatureSet known = FeatureSet.OfModel(model, ImageFolder.Open(album));
        using KnnClassifier classifier = new(model.Device, known.Values, known.Labels);
        float[] votes = classifier.Scores(feature, k: 20);
        return known.Classes[Array.IndexOf(votes, votes.Max())];
    }
    #endregion

    #region Train something of your own
    public static float Fit(Device device, float[] inputs, float[] targets)
    {
        using ParameterStore parameters = new();
        Mlp network = new(parameters.Root / "mlp", width: 16, hidden: 64);
        parameters.Allocate(device, seed: 0);
        using AdamW optimizer = new(parameters);
        float last = 0;
        for (int step = 0; step < 300; step++)
        {
            using Scope scope = device.OpenScope();                     // owns every tensor of the step; closing it frees them at once
            Tensor y = network.Forward(scope.Upload(inputs, [64, 16]));
            Tensor loss = (y - scope.Upload(targets, [64, 16])).Square().Mean();
            parameters.ClearGradients();
            scope.Backward(loss);
            optimizer.Step(learningRate: 1e-3, weightDecay: 0);
            last = loss.Item();
        }

        return last;
    }
    #endregion
}
