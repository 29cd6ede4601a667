package io.stillhouse.lab.network;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import io.stillhouse.model.graph.Layer;
import io.stillhouse.model.graph.NetworkGraph;

/** A graph as JSON: each layer is an object whose {@code op} names its kind. */
public final class GraphJson {
  private static final ObjectMapper JSON = mapper();

  private GraphJson() {}

  public static JsonNode write(NetworkGraph graph) {
    return JSON.valueToTree(graph);
  }

  /** Refuses what is not a graph with an {@link IllegalArgumentException}. */
  public static NetworkGraph read(JsonNode json) {
    try {
      return JSON.treeToValue(json, NetworkGraph.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("graph: " + e.getOriginalMessage(), e);
    }
  }

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "op")
  private interface ByName {}

  private static ObjectMapper mapper() {
    ObjectMapper mapper = new ObjectMapper();
    mapper.configure(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES, true);
    mapper.addMixIn(Layer.class, ByName.class);
    for (Class<?> kind : Layer.class.getPermittedSubclasses()) {
      mapper.registerSubtypes(new NamedType(kind, kind.getSimpleName()));
    }
    return mapper;
  }
}
