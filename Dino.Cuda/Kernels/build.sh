#!/usr/bin/env bash
# Compiles the kernels to PTX (sm_80, which drivers compile for every newer GPU). The PTX is committed: only who changes a kernel needs clang-19
# (Debian: apt-get install clang-19), and no CUDA toolkit. With --check writes nothing, and fails where a file is not what its source compiles to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
check=${1:-}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0
for source in *.cu; do
  ptx=${source%.cu}.ptx
  clang-19 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 --cuda-feature=+ptx70 -nocudainc -nocudalib -nostdinc -S -O3 \
    -ffp-contract=fast -fcuda-flush-denormals-to-zero -std=c++20 -Wall -Wextra -Werror -Wno-unknown-cuda-version "$source" -o "$out/$ptx"
  # Comments hold the compiler's version.
  sed -i 's/[[:space:]]*\/\/.*$//; /^[[:space:]]*$/d' "$out/$ptx"
  if grep -nE '\.extern \.func|\.local' "$out/$ptx" | head -3 | grep .; then
    echo "$source: calls a function that does not exist on the device, or spills to local memory" >&2
    status=1
  fi
  if [ "$check" = --check ]; then
    cmp "$out/$ptx" "$ptx" || status=1
  else
    cmp -s "$out/$ptx" "$ptx" || { cp "$out/$ptx" "$ptx"; echo "$ptx"; }
  fi
done
exit $status
