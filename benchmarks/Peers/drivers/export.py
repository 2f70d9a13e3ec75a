"""Writes what the contenders load: weights as a torch file and as safetensors, and ONNX graphs of the same networks."""
import json
import os
import struct
import warnings

import torch

from contender import PEERS
from models import SIZES, build, onnx_path, weights_path

warnings.filterwarnings("ignore")


def save_safetensors(state, path):
    """The safetensors format: length of the header, header, data."""
    header, offset = {}, 0
    for name, tensor in state.items():
        size = tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in state.values():
            file.write(tensor.detach().contiguous().numpy().tobytes())


def main():
    for folder in ("weights", "graphs"):
        os.makedirs(os.path.join(PEERS, folder), exist_ok=True)
    for name in SIZES:
        network = build(name)
        torch.save(network.state_dict(), weights_path(name, "pth"))
        save_safetensors(network.state_dict(), weights_path(name, "safetensors"))
        for batch in (1, 8, 32):
            # The exporter bakes the batch size in, as it does for most users; the runtime can then plan its memory.
            with torch.no_grad():
                torch.onnx.export(network, torch.randn(batch, 3, 224, 224), onnx_path(name, batch), input_names=["x"], output_names=["y"],
                                  opset_version=17, do_constant_folding=True)


main()
