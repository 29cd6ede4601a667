package io.stillhouse.server.rollout;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.model.Digest;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.StoredJson;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** What the catalogue says of variants, remembered, because it never changes. Thread-safe. */
final class VariantFacts {
  private static final int REMEMBERED_MAX = 1_024;

  private final ModelCatalogue models;
  private final Map<Digest, JsonNode> summaries =
      new LinkedHashMap<>(16, 0.75f, true) {
        @java.io.Serial private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, JsonNode> eldest) {
          return size() > REMEMBERED_MAX;
        }
      };

  VariantFacts(ModelCatalogue models) {
    this.models = models;
  }

  /** Accuracy that the lab measured. */
  OptionalDouble accuracy(Digest artifact) {
    JsonNode accuracy = summary(artifact).path("evaluation").path("accuracy");
    return accuracy.isNumber() ? OptionalDouble.of(accuracy.asDouble()) : OptionalDouble.empty();
  }

  /** What the class tolerates; empty when it tolerates anything. */
  OptionalLong latencyBudgetMicros(Digest artifact) {
    long budget = summary(artifact).path("latencyP99MicrosMax").asLong();
    return budget > 0 ? OptionalLong.of(budget) : OptionalLong.empty();
  }

  /** Bytes of a whole download. */
  long bundleBytes(Digest artifact) {
    return summary(artifact).path("bundleBytes").asLong();
  }

  private synchronized JsonNode summary(Digest artifact) {
    JsonNode known = summaries.get(artifact);
    if (known != null) {
      return known;
    }
    Optional<JsonNode> read =
        models.variant(artifact).map(variant -> StoredJson.tree(variant.summaryJson()));
    read.ifPresent(summary -> summaries.put(artifact, summary));
    return read.orElseGet(() -> StoredJson.tree("{}"));
  }
}
