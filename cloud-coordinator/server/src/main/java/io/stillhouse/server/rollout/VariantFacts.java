package io.stillhouse.server.rollout;

import io.stillhouse.model.Digest;
import io.stillhouse.server.artifact.ArtifactPromise;
import io.stillhouse.server.artifact.ArtifactStore;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What is promised of artifacts. It is read from their manifests, which a digest names for ever:
 * the catalogue knows only the latest variant of a version, and a rollout under way keeps the
 * limits that it was started with though its version is tailored again. Remembered, since it never
 * changes. Thread-safe.
 */
final class VariantFacts {
  private static final int REMEMBERED_MAX = 1_024;

  private final ArtifactStore artifacts;
  private final Map<Digest, ArtifactPromise> promises =
      new LinkedHashMap<>(16, 0.75f, true) {
        @java.io.Serial private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, ArtifactPromise> eldest) {
          return size() > REMEMBERED_MAX;
        }
      };

  private static final ArtifactPromise NONE =
      new ArtifactPromise(OptionalDouble.empty(), OptionalLong.empty(), 0);

  VariantFacts(ArtifactStore artifacts) {
    this.artifacts = artifacts;
  }

  /** Accuracy that the lab measured. */
  OptionalDouble accuracy(Digest artifact) {
    return promise(artifact).accuracy();
  }

  /** What the class tolerates; empty when it tolerates anything. */
  OptionalLong latencyBudgetMicros(Digest artifact) {
    return promise(artifact).latencyP99MicrosMax();
  }

  /** Bytes of a whole download. */
  long bundleBytes(Digest artifact) {
    return promise(artifact).bundleBytes();
  }

  private synchronized ArtifactPromise promise(Digest artifact) {
    ArtifactPromise known = promises.get(artifact);
    if (known != null) {
      return known;
    }
    Optional<ArtifactPromise> read = artifacts.promise(artifact);
    read.ifPresent(promise -> promises.put(artifact, promise));
    return read.orElse(NONE);
  }
}
