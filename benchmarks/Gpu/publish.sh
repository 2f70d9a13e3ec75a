#!/usr/bin/env bash
# Publishes what check.sh runs, for machines with a GPU but without .NET: publish.sh DIR [RUNTIME]. RUNTIME is linux-x64 if not given.
# In DIR are then dino, benchmarks and tests, each with its runtime; a part of check.sh needs `benchmarks` and, for training, `dino`, or, for tests, `tests`.
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${1#-}" != "$1" ]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
runtime=${2:-linux-x64}
# Of .NET what is used, of everything else all: tests and benchmarks are found by reflection.
trimmed=(--self-contained -p:PublishTrimmed=true -p:TrimMode=partial -p:SuppressTrimAnalysisWarnings=true)
publish() { dotnet publish "$root/$1" -c Release -r "$runtime" -o "$out/$2" "${@:3}"; }
publish Dino.Cli dino
publish benchmarks benchmarks "${trimmed[@]}"
publish Dino.Tests tests "${trimmed[@]}"
# What was measured is a version of the sources, which the programs do not know.
git -C "$root" describe --always --dirty > "$out/commit" 2> /dev/null || rm -f "$out/commit"
# The recorded cases are read from the checkout that holds check.sh.
rm -rf "$out/tests/Fixtures"
