namespace Dino.Ssl.Training;

/// <summary>Where the views of a training run are made of decoded pictures. They are the same.</summary>
public enum AugmentationPlace
{
    /// <summary>On the CPU, by the threads that decode.</summary>
    Cpu,

    /// <summary>On the device that trains, if it can; see <see cref="Dino.Tensors.Backends.Backend.CreateAugmentation"/>.</summary>
    Device,
}
