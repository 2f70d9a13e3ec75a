using Dino.Ssl.Data;

namespace Dino.Ssl.Probing;

/// <summary>What a file of a linear classifier says of itself.</summary>
/// <param name="Classes">Names by number.</param>
/// <param name="Width">Width of a token of the network.</param>
/// <param name="Head">What the classifier sees.</param>
/// <param name="Preprocessing">What the network saw of the test pictures.</param>
/// <param name="Network"><see cref="Training.LoadedModel.Fingerprint"/> of the network.</param>
/// <param name="Epochs">Passes over the pictures it learned from.</param>
/// <param name="IsCached">Whether it learned from centre crops only.</param>
/// <param name="Score">On the test pictures, after the last epoch.</param>
internal sealed record ClassifierDescription(
    IReadOnlyList<string> Classes, int Width, LinearHead Head, Preprocessing Preprocessing, string Network, int Epochs, bool IsCached, LinearScore? Score);
