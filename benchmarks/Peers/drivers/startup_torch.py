"""From the start of the process to one embedding in torch. Usage: startup_torch.py vit_tiny|vit_small THREADS"""
import sys

from contender import noise, official_sources, set_torch_threads, setup_file

name, threads = sys.argv[1], int(sys.argv[2])
official_sources("dino")
weights = setup_file("weights", f"{name}.pth")
set_torch_threads(threads)
import torch
import vision_transformer

network = getattr(vision_transformer, name)(patch_size=16)
network.load_state_dict(torch.load(weights))
network.eval()
with torch.inference_mode():
    features = network(torch.from_numpy(noise((1, 3, 224, 224))))
if not torch.isfinite(features).all():
    sys.exit(1)
