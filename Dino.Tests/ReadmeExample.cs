using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Nn;
using Dino.Ssl.Data;
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
        using CpuDevice device = new();
        using LoadedModel model = ModelFile.Load(weights, device);      // the file knows its architecture and what to do to pictures
        int size = model.Backbone.Options.ImageSize;

        // One picture: its feature vector, and a picture of what each attention head looks at.
        Image image = ImageFile.Decode(photo);
        FeatureSet feature = FeatureSet.OfImage(model, image, photo);
        PngEncoder.Save(AttentionMap.Of(model, image, 2 * size, out Image seen).Sheet(seen), attention);

        // A folder with one sub-folder per class: the twenty most similar pictures vote.
        FeatureSet known = FeatureSet.OfModel(model, ImageFolder.Open(album));
        using KnnClassifier classifier = new(device, known.Values, known.Labels);
        float[] votes = classifier.Scores(feature.Values, k: 20);
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
