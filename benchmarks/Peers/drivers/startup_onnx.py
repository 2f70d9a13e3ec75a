"""From the start of the process to one embedding in ONNX Runtime for Python. Usage: startup_onnx.py vit_tiny|vit_small THREADS"""
import sys

from contender import noise, setup_file
from onnx_runtime import np, open_session

name, threads = sys.argv[1], int(sys.argv[2])
session = open_session(setup_file("graphs", f"{name}_batch1.onnx"), threads)
features = session.run(noise((1, 3, 224, 224)), (1, {"vit_tiny": 192, "vit_small": 384}[name]))
if not np.isfinite(features).all():
    sys.exit(1)
