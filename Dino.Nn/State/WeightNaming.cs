namespace Dino.Nn;

/// <summary>Whose names the tensors of a file have.</summary>
public enum WeightNaming
{
    /// <summary>Those of the official DINO, DINOv2 and DINOv3 code and of torchvision, which are those of this library.</summary>
    Official,

    /// <summary>Those of Hugging Face's transformers: <c>encoder.layer.0.attention.attention.query.weight</c>.</summary>
    HuggingFace,

    /// <summary>Those of timm where they differ: <c>reg_token</c>, <c>gamma_1</c>, <c>q_bias</c>.</summary>
    Timm,
}
