package io.stillhouse.lab.network;

import io.stillhouse.lab.data.Preprocessing;
import java.util.List;

/** A network with what a user needs besides: its labels, its input's scaling, its history. */
public record StoredModel(
    Network network, List<String> labels, Preprocessing preprocessing, Provenance provenance) {
  public StoredModel {
    labels = List.copyOf(labels);
    if (labels.size() != network.graph().classes()) {
      throw new IllegalArgumentException(
          "labels: %d (expected: %d, one per class)"
              .formatted(labels.size(), network.graph().classes()));
    }
  }
}
