#!/usr/bin/env bash
# Trains small forms of the families under one budget and draws what docs/evidence/families.md shows.
# usage: families.sh IMAGES_DIR RUNS_DIR [EPOCHS [PER_CLASS]]
# IMAGES_DIR holds train/ and test/ of CIFAR-10; of train/ the first PER_CLASS of each class are used.
# May be ended and started again at any time: finished networks are kept, an unfinished one goes on.
set -euo pipefail

images=$1
runs=$2
epochs=${3:-3}
per_class=${4:-2000}
threads=${THREADS:-2}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stillhouse=${STILLHOUSE:-$here/../../../deploy/bin/stillhouse}

# Network, width and highest learning rate; without normalisation it is a tenth. Widths
# are chosen to cost about the same to train; VGG-16, DenseNet-121, Xception and the large residual
# networks take ten times as long and are left out.
families="
lenet5 1 0.01
squeezenet1_1 0.5 0.01
shufflenet_v2 0.5 0.1
ghostnet 0.25 0.1
mobilenet_v3_small 1 0.1
resnet20 1 0.1
ds_cnn 1 0.1
mobilenet_v1 0.5 0.1
mobilenet_v2 0.5 0.1
efficientnet_b0 0.25 0.1
mnasnet_b1 0.5 0.1
shufflenet_v1 0.5 0.1
"

mkdir -p "$runs"
if [ ! -d "$runs/images" ]; then
  rm -rf "$runs/images.partial"
  for class in "$images"/train/*/; do
    chosen=$runs/images.partial/train/$(basename "$class")
    mkdir -p "$chosen"
    find "$class" -type f | sort | awk -v n="$per_class" 'NR <= n' | xargs cp -t "$chosen"
  done
  cp -r "$images/test" "$runs/images.partial/test"
  mv "$runs/images.partial" "$runs/images"
fi
data=images:$runs/images

while read -r network width rate; do
  [ -n "$network" ] || continue
  name=$network-w$width
  [ -d "$runs/$name" ] || "$stillhouse" lab train --data "$data" --network "$network" \
    --width "$width" --epochs "$epochs" --batch 64 --learning-rate "$rate" --seed 7 \
    --threads "$threads" --out "$runs/$name" > /dev/null
  [ -s "$runs/$name.json" ] || {
    "$stillhouse" lab evaluate --model "$runs/$name" --data "$data" --json > "$runs/$name.json.partial"
    mv "$runs/$name.json.partial" "$runs/$name.json"
  }
done <<< "$families"
python3 "$here/families_chart.py" "$runs"
