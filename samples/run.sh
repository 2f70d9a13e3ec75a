#!/usr/bin/env bash
# Uses the packages as an application would: installs the tool, builds the samples on the packages and runs one on weights the tool trained a moment before.
# Needs the .NET 10 SDK and a build (dotnet build -c Release); writes below artifacts/ only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages="$PWD/artifacts/packages"
work="$PWD/artifacts/samples"
rm -rf "$packages" "$work"
mkdir -p "$work/pictures"

echo "-- packages"
dotnet pack -c Release --no-build -o "$packages" >"$work/pack.log" || { cat "$work/pack.log"; exit 1; }
ls "$packages"

echo "-- the tool"
dotnet tool install Dino.Cli --tool-path "$work/tool" --source "$packages"
"$work/tool/dino" devices
cp Dino.Tests/Fixtures/f_decode_drawn/{jpeg,png}_*.* "$work/pictures"
"$work/tool/dino" train --data "$work/pictures" --output "$work/run" --arch vit_tiny --patch-size 16 --image-size 32 --local-size 16 --local-crops 2 \
  --out-dim 64 --batch-size 8 --epochs 1 --warmup-epochs 0

echo "-- samples on packages"
# The build before has restored the packages of others; ours come from the folder above.
machine="$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')"
for sample in Embeddings WebGallery; do
  dotnet build "samples/$sample" -c Release -p:UsePackages=true -p:RestoreSources="$packages" -p:RestoreFallbackFolders="$machine" >"$work/$sample.log" || { cat "$work/$sample.log"; exit 1; }
done
embeddings() { dotnet "$work/Embeddings/bin/Release/net10.0/Embeddings.dll" "$@"; }
embeddings "$work/run/teacher.safetensors" assets/icon.png "$work/pictures/jpeg_444_prog_odd.jpg" assets/icon.png | tee "$work/cosines.txt"
# The first and the third picture are one: what the sample prints has to say so.
grep -qE '^ +1\.000 +-?[01]\.[0-9]{3} +1\.000  assets/icon\.png$' "$work/cosines.txt"
