package io.stillhouse.server.telemetry;

import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/** {@link HealthCounts} as the bytes of a health window without a key. */
final class CountsSerde implements Serde<HealthCounts> {
  static final CountsSerde INSTANCE = new CountsSerde();

  private CountsSerde() {}

  @Override
  public Serializer<HealthCounts> serializer() {
    return (topic, counts) -> counts == null ? null : TelemetryMapper.counts(counts);
  }

  @Override
  public Deserializer<HealthCounts> deserializer() {
    return (topic, bytes) -> read(bytes);
  }

  private static @Nullable HealthCounts read(byte @Nullable [] bytes) {
    if (bytes == null) {
      return null;
    }
    try {
      return TelemetryMapper.counts(bytes);
    } catch (TelemetryMapper.RefusedException e) {
      // Only we write these topics: other bytes mean that somebody else does, too.
      throw new SerializationException("not a health count", e);
    }
  }
}
