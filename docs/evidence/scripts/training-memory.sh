#!/usr/bin/env bash
# Resident memory of the lab's training loop over many steps.
# usage: training-memory.sh [STEPS]    from the root of a checkout that was built
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# A small heap that is touched at once, so that only native memory can grow.
exec java -Xms64m -Xmx64m -XX:+AlwaysPreTouch -XX:+UseSerialGC \
  -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 \
  -cp "$root/cloud-coordinator/model-lab/target/test-classes:$root/cloud-coordinator/server/target/lib/*" \
  io.stillhouse.lab.tensor.TrainingBenchmark memory resnet20 16 1 "${1:-5000}"
