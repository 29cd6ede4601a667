package io.stillhouse.lab.network;

import java.util.Map;

/**
 * How a model came to be; enough to make it again.
 *
 * @param teacherSha256 digest of the teacher's weights file, empty for a teacher
 * @param datasetSha256 digest of the data as it was read
 * @param recipe what was done, as ordered keys and values that JSON can hold
 * @param seed of everything random in it
 * @param tools versions of code and libraries
 */
public record Provenance(
    String teacherSha256,
    String datasetSha256,
    Map<String, Object> recipe,
    long seed,
    Map<String, String> tools) {
  public Provenance {
    recipe = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(recipe));
    tools = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(tools));
  }

  /** The same making by other versions of code and libraries. */
  public Provenance withTools(Map<String, String> other) {
    return new Provenance(teacherSha256, datasetSha256, recipe, seed, other);
  }
}
