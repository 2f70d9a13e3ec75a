#!/usr/bin/env bash
# Everything there is to find out on a machine with an NVIDIA GPU, in one call:
#   ./check.sh [--pictures DIR] [--peers-dir DIR] [--python PYTHON] [--results FILE]
#   1. has the driver compile every kernel, and lists registers and spills;
#   2. runs all tests of CUDA devices on the GPU instead of the emulator: every operator, the recorded networks and training runs, in fp32;
#   3. trains a ViT-Ti/4 on the pictures of DIR/train in fp32 and bf16, and measures the k-NN accuracy of both on DIR/test (folders with one folder a
#      class, such as CIFAR-10 as files; the demonstration's pictures without --pictures);
#   4. times augmentation, and DINO steps and forward passes against torch, if PYTHON has it and DIR/dino is a checkout of facebookresearch/dino.
# Results go to docs/gpu-results.md (--results). Needs a build: with the SDK it is made here, without one put the published folders
# `dino`, `benchmarks` and `tests` beside this script.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
peers=${PEERS_DIR:-/tmp/peers}
pictures=
python=python3
results=$root/docs/gpu-results.md
while [ $# -gt 0 ]; do
  case $1 in
    --pictures) pictures=${2:?}; shift 2 ;;
    --peers-dir) peers=${2:?}; shift 2 ;;
    --python) python=${2:?}; shift 2 ;;
    --results) results=${2:?}; shift 2 ;;
    *) echo "usage: check.sh [--pictures DIR] [--peers-dir DIR] [--python PYTHON] [--results FILE]" >&2; exit 2 ;;
  esac
done
epochs=${DINO_CHECK_EPOCHS:-10}
failures=0
step() { printf '\n=== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }

if [ -x "$here/dino/dino" ]; then
  dino=("$here/dino/dino"); benchmarks=("$here/benchmarks/benchmarks"); tests=(dotnet vstest "$here/tests/Dino.Tests.dll" --TestCaseFilter:)
else
  step "Build"
  (cd "$root" && dotnet build -c Release) || exit 1
  dino=(dotnet "$root/Dino.Cli/bin/Release/net10.0/dino.dll")
  benchmarks=(dotnet "$root/benchmarks/bin/Release/net10.0/benchmarks.dll")
  tests=(dotnet vstest "$root/Dino.Tests/bin/Release/net10.0/Dino.Tests.dll" --TestCaseFilter:)
fi

step "Devices"
"${dino[@]}" devices
step "Kernels"
"${benchmarks[@]}" kernels --update "$results" || failures=$((failures + 1))

step "Tests on the GPU"
filter='FullyQualifiedName~Dino.Tests.Cuda|DisplayName~cuda'
DINO_TEST_CUDA=device "${tests[@]:0:${#tests[@]}-1}" "${tests[-1]}$filter" || failures=$((failures + 1))

step "Training in fp32 and bf16"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for precision in fp32 bf16; do
  if [ -n "$pictures" ]; then
    "${dino[@]}" train --device cuda --precision "$precision" --data "$pictures/train" --output "$work/$precision" --arch vit_tiny --patch-size 4 --image-size 32 \
      --local-size 16 --local-crops 4 --out-dim 4096 --batch-size 64 --lr 0.004 --momentum-teacher 0.99 --warmup-epochs 1 --epochs "$epochs" --json \
      && "${dino[@]}" knn --weights "$work/$precision/teacher.safetensors" --train "$pictures/train" --test "$pictures/test" --resize 32 --json \
      || failures=$((failures + 1))
  else
    "${dino[@]}" demo --device cuda --precision "$precision" --output "$work/$precision" --json || failures=$((failures + 1))
  fi
done

step "Times"
"${benchmarks[@]}" peers --rows gpu --peers-dir "$peers" --python "$python" --update "$results" || failures=$((failures + 1))

printf '\n%d checks failed; results are in %s\n' "$failures" "$results"
[ "$failures" -eq 0 ]
