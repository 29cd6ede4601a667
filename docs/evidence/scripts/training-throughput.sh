#!/usr/bin/env bash
# Compares the lab's training step with PyTorch for Python (Debian's python3-torch), in turns.
# usage: training-throughput.sh [ROUNDS] [STEPS]    from the root of a checkout that was built
# Prints one line for each run and the ratio of medians for each round.
set -euo pipefail

rounds=${1:-5}
steps=${2:-40}
batch=128
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
lib=$root/cloud-coordinator/server/target/lib
tests=$root/cloud-coordinator/model-lab/target/test-classes
[ -d "$lib" ] && [ -d "$tests" ] || {
  echo "not built yet: run 'mvn -q package -DskipTests' first" >&2
  exit 1
}

# The kernels that the product's launcher would allow here.
if [ -z "${ONEDNN_MAX_CPU_ISA:-}" ] && ! "$root/deploy/bin/stillhouse" lab kernels > /dev/null; then
  lab_kernels=AVX
fi
lab_kernels=${lab_kernels:-${ONEDNN_MAX_CPU_ISA:-}}
echo "lab kernels: ${lab_kernels:-the newest}"

ours() {
  ONEDNN_MAX_CPU_ISA=$lab_kernels java -Xmx512m -XX:+UseSerialGC -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 \
    -cp "$tests:$lib/*" io.stillhouse.lab.tensor.TrainingBenchmark speed resnet20 "$batch" "$1" "$steps"
}

for threads in 1 2; do
  for round in $(seq "$rounds"); do
    # Who goes first changes, so that a slow spell does not always meet the same one.
    if [ $((round % 2)) = 0 ]; then
      python=$(/usr/bin/python3 "$here/training_throughput.py" "$batch" "$threads" "$steps")
      java=$(ours "$threads")
    else
      java=$(ours "$threads")
      python=$(/usr/bin/python3 "$here/training_throughput.py" "$batch" "$threads" "$steps")
    fi
    echo "threads $threads round $round lab: $java | python: $python | ratio of medians" \
      "$(awk -v a="$(cut -d' ' -f2 <<<"$java")" -v b="$(cut -d' ' -f2 <<<"$python")" \
        'BEGIN { printf "%.3f", a / b }')"
  done
done
