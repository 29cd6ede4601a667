#!/usr/bin/env bash
# Makes what docs/evidence/cifar10.md and fashion-mnist.md show: a teacher, then students of it.
# usage: compression.sh SPEC RUNS_DIR [OPTION...]    options of 'lab train' for the teacher
# May be ended and started again at any time: finished runs are kept, unfinished ones go on.
set -euo pipefail

data=$1
runs=$2
shift 2
threads=${THREADS:-2}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stillhouse=${STILLHOUSE:-$here/../../../deploy/bin/stillhouse}
recipes=$here/../recipes

keep() {
  local name=$1
  shift
  [ -d "$runs/$name" ] || "$stillhouse" lab "$@" --data "$data" --threads "$threads" \
    --out "$runs/$name" > /dev/null
}

mkdir -p "$runs"
keep resnet20 train --network resnet20 --seed 7 "$@"
# The quick ones first, so that a short sitting has something to show.
for recipe in int8-minmax int8-percentile int8-qat int8-qat-learned low-rank-1.5x mixed-file \
  prune-2x mixed-wire; do
  keep "resnet20-$recipe" compress --teacher "$runs/resnet20" --recipe "$recipes/$recipe.yaml"
done
for seed in 1 2 3; do
  for recipe in distill-resnet8 alone-resnet8; do
    keep "$recipe-$seed" compress --teacher "$runs/resnet20" --recipe "$recipes/$recipe.yaml" \
      --seed "$seed"
  done
done
