"""CLS features of a batch of 224-pixel pictures. Usage: forward.py torch|traced|onnx vit_tiny|vit_small BATCH THREADS"""
import sys

from contender import noise, serve, set_torch_threads
from models import build, onnx_path, weights_path

mode, name, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
width = {"vit_tiny": 192, "vit_small": 384}[name]
pictures = noise((batch, 3, 224, 224))


def check(features):
    """The first features of the last picture; the runner compares them with ours."""
    if features.shape != (batch, width):
        raise RuntimeError(f"features are {features.shape}, not {(batch, width)}")
    return features[batch - 1, :8]


if mode == "onnx":
    from onnx_runtime import open_session
    session = open_session(onnx_path(name, batch), threads)
    serve(f"onnxruntime {session.version}", lambda: session.run(pictures, (batch, width)), check)
else:
    version = set_torch_threads(threads)
    import torch
    network, x = build(name), torch.from_numpy(pictures)
    network.load_state_dict(torch.load(weights_path(name, "pth")))
    if mode == "traced":
        with torch.no_grad():
            network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, x, check_trace=False)))

    def work():
        with torch.inference_mode():
            return network(x)

    serve(version, work, lambda features: check(features.numpy()))
