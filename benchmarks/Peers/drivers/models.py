"""Official DINO vision transformers with the weights that every contender loads."""
import os

from contender import PEERS, official_sources

SIZES = {"vit_tiny": "vit_tiny", "vit_small": "vit_small"}


def build(name):
    """A network in evaluation mode, patch size 16, weights from seed 0."""
    official_sources("dino")
    import torch
    import vision_transformer
    torch.manual_seed(0)
    return getattr(vision_transformer, SIZES[name])(patch_size=16).eval()


def weights_path(name, ending):
    """Where setup.sh puts exported weights."""
    return os.path.join(PEERS, "weights", f"{name}.{ending}")


def onnx_path(name, batch):
    """Where setup.sh puts exported graphs."""
    return os.path.join(PEERS, "graphs", f"{name}_batch{batch}.onnx")
