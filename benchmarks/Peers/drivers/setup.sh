#!/usr/bin/env bash
# Sets up the peers on Debian or Ubuntu, x86-64: ./setup.sh --peers-dir DIR (or PEERS_DIR). What is there already is kept.
# Needs apt (as root or with sudo), npm and git; downloads about 500 MB the first time. Nothing is installed outside apt's packages and DIR.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
while [ $# -gt 0 ]; do
  case $1 in
    --peers-dir) PEERS_DIR=${2:?--peers-dir needs a folder}; shift 2 ;;
    --python) PEERS_PYTHON=${2:?--python needs a program}; shift 2 ;;
    *) echo "usage: setup.sh --peers-dir DIR [--python PROGRAM]" >&2; exit 2 ;;
  esac
done
: "${PEERS_DIR:?say where with --peers-dir DIR or PEERS_DIR}"
python=${PEERS_PYTHON:-/usr/bin/python3}
mkdir -p "$PEERS_DIR"/{bin,pictures,ort,debs,debroot}
PEERS_DIR=$(cd "$PEERS_DIR" && pwd)
export PEERS_DIR
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

packages=(python3-torch python3-torchvision python3-sklearn python3-pil libopenblas-dev libdnnl2 libturbojpeg0-dev g++ nodejs npm git)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
# A program that apt does not know of (a node from elsewhere) is as good.
for program in node:nodejs npm:npm git:git g++:g++; do
  if command -v "${program%%:*}" >/dev/null; then missing=("${missing[@]/#"${program##*:}"/}"); fi
done
missing=($(printf '%s\n' "${missing[@]}" | sed '/^$/d'))
if [ ${#missing[@]} -gt 0 ]; then
  as_root apt-get update
  as_root apt-get install -y --no-install-recommends "${missing[@]}"
fi

# Headers of oneDNN, and the OpenMP build of OpenBLAS beside the default one: unpacked, not installed.
cd "$PEERS_DIR/debs"
for package in libdnnl-dev libopenblas0-openmp; do
  ls "$package"_*.deb >/dev/null 2>&1 || apt-get download "$package"
  dpkg -x "$package"_*.deb ../debroot
done

# ONNX Runtime for Node; its native library also serves the Python contender. The CUDA part is not needed.
[ -d "$PEERS_DIR/ort/node_modules/onnxruntime-node" ] ||
  (cd "$PEERS_DIR/ort" && ONNXRUNTIME_NODE_INSTALL=skip ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install --no-audit --no-fund onnxruntime-node@1.30.0)

# The official code, imported by the contenders at run time.
dino_commit=7c446df5b9f45747937fb0d72314eb9f7b66930a
if [ ! -e "$PEERS_DIR/dino/main_dino.py" ]; then
  git clone --filter=blob:none https://github.com/facebookresearch/dino "$PEERS_DIR/dino"
  git -C "$PEERS_DIR/dino" checkout --detach "$dino_commit"
fi

g++ -O3 -march=native -fopenmp -I"$here" -I"$PEERS_DIR/debroot/usr/include" "$here/gemm.cpp" -o "$PEERS_DIR/bin/peer-gemm" -l:libdnnl.so.2 -ldl
gcc -O3 -march=native -I"$here" "$here/jpeg.c" -o "$PEERS_DIR/bin/peer-jpeg" -lturbojpeg
cd "$here"
PYTHONDONTWRITEBYTECODE=1 "$python" make_pictures.py
PYTHONDONTWRITEBYTECODE=1 "$python" export.py
echo "The peers are set up in $PEERS_DIR."
