package io.stillhouse.server.storage;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.rollout.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;

/**
 * How records are kept in a text column: instants and durations as ISO-8601, names as strings, a
 * verdict as one of three properties. What this wrote, a later version must read.
 */
public final class StoredJson {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .addModule(module())
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private StoredJson() {}

  /** The record as text. */
  public static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write " + value.getClass().getName(), e);
    }
  }

  /** The record that {@link #write} made the text of. */
  public static <T> T read(String json, Class<T> type) {
    try {
      return MAPPER.readValue(json, type);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the database holds an unreadable " + type.getName(), e);
    }
  }

  /** Any JSON, for handing on. */
  public static JsonNode tree(String json) {
    return read(json.isEmpty() ? "null" : json, JsonNode.class);
  }

  private static SimpleModule module() {
    SimpleModule module = new SimpleModule("stored");
    text(module, Instant.class, Instant::parse);
    text(module, Duration.class, Duration::parse);
    text(module, DeviceId.class, DeviceId::new);
    text(module, RolloutId.class, RolloutId::new);
    module.addSerializer(Verdict.class, new VerdictWriter());
    module.addDeserializer(Verdict.class, new VerdictReader());
    return module;
  }

  private static <T> void text(SimpleModule module, Class<T> type, Function<String, T> parse) {
    module.addSerializer(
        type,
        new JsonSerializer<T>() {
          @Override
          public void serialize(T value, JsonGenerator out, SerializerProvider serializers)
              throws IOException {
            out.writeString(value.toString());
          }
        });
    module.addDeserializer(
        type,
        new JsonDeserializer<T>() {
          @Override
          public T deserialize(JsonParser in, DeserializationContext context) throws IOException {
            return parse.apply(in.getText());
          }
        });
  }

  private static final class VerdictWriter extends JsonSerializer<Verdict> {
    @Override
    public void serialize(Verdict verdict, JsonGenerator out, SerializerProvider serializers)
        throws IOException {
      out.writeStartObject();
      out.writeStringField(
          verdict.match(p -> "pass", i -> "inconclusive", f -> "fail"), verdict.reason());
      out.writeEndObject();
    }
  }

  private static final class VerdictReader extends JsonDeserializer<Verdict> {
    @Override
    public Verdict deserialize(JsonParser in, DeserializationContext context) throws IOException {
      JsonNode node = in.readValueAsTree();
      if (node.has("pass")) {
        return new Verdict.Pass();
      }
      if (node.has("fail")) {
        return new Verdict.Fail(node.path("fail").asText());
      }
      // An unknown verdict is never a pass.
      return new Verdict.Inconclusive(node.path("inconclusive").asText("unknown verdict"));
    }
  }
}
