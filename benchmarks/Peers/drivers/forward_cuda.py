"""CLS features of a batch of 224-pixel pictures on a GPU. Usage: forward_cuda.py eager|compile fp32|tf32|bf16 vit_small|vit_base PATCH BATCH"""
import contextlib
import sys

from contender import noise, not_set_up, official_sources, serve, set_torch_threads

mode, precision, architecture, patch, batch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
version = set_torch_threads(4)
official_sources("dino")
import torch

if not torch.cuda.is_available():
    not_set_up("no CUDA device")
import vision_transformer

torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
network = getattr(vision_transformer, architecture)(patch_size=patch).cuda().eval()
if precision == "bf16":
    # Inference needs no single-precision weights beside these.
    network = network.bfloat16()
pictures = torch.from_numpy(noise((batch, 3, 224, 224))).pin_memory()
run = torch.compile(network) if mode == "compile" else network


def work():
    with torch.inference_mode():
        x = pictures.cuda(non_blocking=True)
        return run(x.bfloat16() if precision == "bf16" else x).float().cpu()


serve(f"{version}, {torch.cuda.get_device_name()}", work, lambda features: [float(features.isfinite().all())])
