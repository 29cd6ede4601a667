#!/usr/bin/env bash
# Makes what docs/evidence/cifar10.md and fashion-mnist.md show: a teacher, then students of it.
# usage: compression.sh SPEC RUNS_DIR [OPTION...]    options of 'lab train' for the teacher
# May be ended and started again at any time: finished runs are kept, unfinished ones go on.
# ARITHMETIC=bf16 trains students so, THREADS=N on so many threads; a teacher is trained as its options say.
set -euo pipefail

data=$1
runs=$2
shift 2
threads=${THREADS:-2}
arithmetic=${ARITHMETIC:-fp32}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stillhouse=${STILLHOUSE:-$here/../../../deploy/bin/stillhouse}
recipes=$here/../recipes

keep() {
  local name=$1
  shift
  [ -d "$runs/$name" ] || "$stillhouse" lab "$@" --data "$data" --threads "$threads" \
    --out "$runs/$name" > /dev/null
}

student() {
  local name=$1 recipe=$2
  shift 2
  keep "$name" compress --teacher "$runs/resnet20" --recipe "$recipes/$recipe.yaml" \
    --arithmetic "$arithmetic" "$@"
}

mkdir -p "$runs"
keep resnet20 train --network resnet20 --seed 7 "$@"
# The quick ones first, so that a short sitting has something to show.
for recipe in fp16 int8-minmax int8-percentile int8-mse int8-entropy int8-repaired int8-qat \
  int8-qat-learned palette-4bit sparse-2of4 sparse-80 low-rank-1.5x tucker-1.5x cp-1.5x prune-2x \
  mixed-file mixed-wire; do
  student "resnet20-$recipe" "$recipe"
done
for seed in 1 2 3; do
  for lesson in alone distill attention decoupled hints mutual relational; do
    student "$lesson-resnet8-$seed" "$lesson-resnet8" --seed "$seed"
  done
done
