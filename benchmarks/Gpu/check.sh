#!/usr/bin/env bash
# Everything there is to find out on a machine with an NVIDIA GPU, in one call:
#   ./check.sh [--parts kernels,tests,training,times] [--published DIR] [--pictures DIR] [--peers-dir DIR] [--python PYTHON] [--only TEXT] [--results FILE]
#   kernels   has the driver compile every kernel, and lists registers and spills with the hash of each PTX file;
#   tests     runs all tests of CUDA devices on the GPU instead of the emulator: every operator, kernels in fp32, tf32 and bf16, the recorded networks and
#             training runs; first with the own kernels alone, then with cuBLASLt;
#   training  trains a ViT-Ti/4 on the pictures of DIR/train in fp32 and bf16, and compares the k-NN accuracy of both on DIR/test (folders with one folder a
#             class, such as CIFAR-10 as files; the demonstration's pictures without --pictures);
#   times     times augmentation, and DINO steps and forward passes against torch, if PYTHON has torch and torchvision and PEERS_DIR/dino is a checkout of
#             facebookresearch/dino. All rows take hours.
# --only TEXT runs the tests and times the rows whose names contain the text, such as bf16. Results go to docs/gpu-results.md (--results), each part's to its
# own place: parts may be run one by one. Programs are built here, or were published on another machine (publish.sh DIR), for one without .NET: --published DIR.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
usage='usage: check.sh [--parts kernels,tests,training,times] [--published DIR] [--pictures DIR] [--peers-dir DIR] [--python PYTHON] [--only TEXT] [--results FILE]'
parts=kernels,tests,training,times
peers=${PEERS_DIR:-/tmp/peers}
published=
pictures=
python=python3
only=
results=$root/docs/gpu-results.md
while [ $# -gt 0 ]; do
  if [ "$1" = --help ]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
  fi
  if [ $# -lt 2 ]; then
    echo "$usage" >&2
    exit 2
  fi
  case $1 in
    --parts) parts=$2 ;;
    --published) published=$2 ;;
    --pictures) pictures=$2 ;;
    --peers-dir) peers=$2 ;;
    --python) python=$2 ;;
    --only) only=$2 ;;
    --results) results=$2 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
  shift 2
done
for part in ${parts//,/ }; do
  case $part in
    kernels | tests | training | times) ;;
    *) echo "error: there is no part '$part'. $usage" >&2; exit 2 ;;
  esac
done
if [ -n "$pictures" ] && { [ ! -d "$pictures/train" ] || [ ! -d "$pictures/test" ]; }; then
  echo "error: '$pictures' lacks the folders train and test, each with one folder a class." >&2
  exit 2
fi
epochs=${DINO_CHECK_EPOCHS:-10}
# Points of k-NN accuracy that bf16 may lose against fp32, on the thousands of pictures of a set like CIFAR-10. With few pictures or epochs, runs that differ
# in rounding alone end further apart.
most_lost=1
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n=== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }
wants() { [[ ",$parts," == *",$1,"* ]]; }
fail() { failures=$((failures + 1)); echo "error: $1" >&2; }
# A number in one line of JSON.
number() { sed -n "s/.*\"$1\": *\\(-\\{0,1\\}[0-9.]*\\).*/\\1/p" "$2" | tail -1; }

# Programs of their own, not `dotnet x.dll`: peers are timed against this very program, started anew.
if [ -n "$published" ]; then
  dino=$published/dino/dino benchmarks=$published/benchmarks/benchmarks tests=$published/tests/Dino.Tests
  # Published tests leave the recorded cases to the checkout.
  export DINO_FIXTURES=${DINO_FIXTURES:-$root/Dino.Tests/Fixtures}
elif command -v dotnet > /dev/null; then
  step "Build"
  (cd "$root" && dotnet build -c Release) || exit 1
  dino=$root/Dino.Cli/bin/Release/net10.0/dino
  benchmarks=$root/benchmarks/bin/Release/net10.0/benchmarks
  tests=$root/Dino.Tests/bin/Release/net10.0/Dino.Tests
else
  echo "error: there is no .NET SDK here. Publish the programs on a machine that has one (benchmarks/Gpu/publish.sh DIR), bring DIR along, and add --published DIR." >&2
  exit 1
fi
needed=("$benchmarks")
! wants tests || needed+=("$tests")
! wants training || needed+=("$dino")
for program in "${needed[@]}"; do
  if [ ! -x "$program" ]; then
    echo "error: there is no program '$program'. benchmarks/Gpu/publish.sh DIR makes it; whole folders belong together." >&2
    exit 1
  fi
done

step "Devices"
[ ! -x "$dino" ] || "$dino" devices
if ! device=$("$benchmarks" device); then
  echo "error: nothing can be checked on this machine." >&2
  exit 1
fi

# Where there is no document yet, one with places for the tables.
if [ ! -f "$results" ]; then
  printf '<!-- %s:begin -->\n<!-- %s:end -->\n' gpu:kernels gpu:kernels gpu:tests gpu:tests gpu:training gpu:training peers:gpu peers:gpu > "$results" || exit 1
fi

if wants kernels; then
  step "Kernels"
  "$benchmarks" kernels --update "$results" || fail "the driver rejects a kernel"
fi

if wants tests; then
  step "Tests on the GPU"
  {
    printf '| products | result |\n|---|---|\n'
    # What tests kernels by name is about the own ones. Some tests go through all devices by themselves, others have the device in their names.
    everywhere="Fixture Gradient DeviceAugmentation"
    for library in 0 1; do
      name=$([ $library = 0 ] && echo "own kernels" || echo "cuBLASLt where it is found")
      classes=$([ $library = 0 ] && echo Dino.Tests.Cuda.Cuda || echo Dino.Tests.Cuda.CudaPrecision)
      DINO_TEST_CUDA=device DINO_CUDA_CUBLAS=$library "$tests" $classes $everywhere '"cuda"' --only "$only" > "$work/tests"
      status=$?
      # Of a few tests asked for, none may be for the library.
      [ $status != 3 ] || [ -z "$only" ] || status=0
      cat "$work/tests" >&2
      printf '| %s | %s |\n' "$name" "$([ $status = 0 ] && echo passed || echo '**failed**'): $(tail -1 "$work/tests")"
      [ $status = 0 ] || touch "$work/failed"
    done
    printf '\n%s, %s%s.\n' "$(date -u +%Y-%m-%d)" "$device" "${only:+, tests with \`$only\` in their names}"
  } > "$work/table"
  "$benchmarks" insert gpu:tests "$results" < "$work/table" || fail "the results of the tests could not be written"
  [ ! -e "$work/failed" ] || fail "tests fail on the GPU"
fi

if wants training; then
  step "Training in fp32 and bf16"
  for precision in fp32 bf16; do
    if [ -n "$pictures" ]; then
      "$dino" train --device cuda --precision "$precision" --data "$pictures/train" --output "$work/$precision" --arch vit_tiny --patch-size 4 --image-size 32 \
        --local-size 16 --local-crops 4 --out-dim 4096 --batch-size 64 --lr 0.004 --momentum-teacher 0.99 --warmup-epochs 1 --epochs "$epochs" --json > "$work/$precision.train" \
        && "$dino" knn --device cuda --weights "$work/$precision/teacher.safetensors" --train "$pictures/train" --test "$pictures/test" --resize 32 --json > "$work/$precision.json"
    else
      "$dino" demo --device cuda --precision "$precision" --output "$work/$precision" --json > "$work/$precision.json"
    fi || fail "training in $precision fails"
    cat "$work/$precision.json"
  done
  key=$([ -n "$pictures" ] && echo top1 || echo trained_top1)
  exact=$(number "$key" "$work/fp32.json") rounded=$(number "$key" "$work/bf16.json")
  if [ -n "$exact" ] && [ -n "$rounded" ]; then
    {
      printf '| run | k-NN top-1, fp32 | k-NN top-1, bf16 |\n|---|---:|---:|\n'
      printf '| %s | %s %% | %s %% |\n' "$([ -n "$pictures" ] && echo "ViT-Ti/4, 32 pixels, $epochs epochs" || echo 'dino demo')" "$exact" "$rounded"
      printf '\n%s, %s.\n' "$(date -u +%Y-%m-%d)" "$device"
    } > "$work/table"
    "$benchmarks" insert gpu:training "$results" < "$work/table" || fail "the accuracies could not be written"
    if [ -n "$pictures" ] && awk "BEGIN { exit !($exact - $rounded > $most_lost) }"; then
      fail "bf16 loses more than $most_lost points of accuracy"
    fi
  else
    fail "there are no accuracies to compare"
  fi
fi

if wants times; then
  step "Times"
  rows=(--rows gpu --peers-dir "$peers" --python "$python" --update "$results")
  [ -z "$only" ] || rows+=(--only "$only")
  [ -z "$published" ] || [ ! -s "$published/commit" ] || rows+=(--commit "$(cat "$published/commit")")
  "$benchmarks" peers "${rows[@]}" || fail "a row could not be measured"
fi

printf '\n%d checks failed; results are in %s\n' "$failures" "$results"
[ "$failures" -eq 0 ]
