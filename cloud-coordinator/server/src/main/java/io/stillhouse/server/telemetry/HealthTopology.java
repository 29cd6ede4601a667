package io.stillhouse.server.telemetry;

import io.stillhouse.server.broker.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * From device records to fleet health.
 *
 * <pre>
 * telemetry, events --(by device)--> account --> ledgers
 *                                       |
 *                                       +-- new windows --(by rollout, wave, class, digest)--> sum per 10 s --> health
 * </pre>
 *
 * <p><b>The account lives here</b>, in a state store with its changelog in Kafka, rather than in
 * SQL or in a re-reading of the topic at boot. It is updated in the same Kafka transaction that
 * moves the read position (exactly-once processing), so a kill at any point neither counts a record
 * twice nor forgets one; SQL would need its own position kept in step, and a re-reading would see
 * only what retention left. The store is in memory: an account is some hundred bytes per device,
 * and RocksDB would cost more than it holds.
 *
 * <p>Windows are by broker time; what a device's clock says is not asked.
 */
public final class HealthTopology {
  /** Length of a health window. */
  public static final Duration WINDOW = Duration.ofSeconds(10);

  /** How late a repartitioned record may be; the broker's own stamps never go back. */
  static final Duration GRACE = Duration.ofSeconds(60);

  private static final String ACCOUNTS = "accounts";
  private static final String SUMS = "sums";

  private HealthTopology() {}

  /**
   * Builds it; pure.
   *
   * @param refused told the reason of each record that is skipped; called by stream threads
   */
  public static Topology build(Consumer<String> refused) {
    StreamsBuilder builder = new StreamsBuilder();
    Serde<String> text = Serdes.String();
    Serde<byte[]> bytes = Serdes.ByteArray();
    KStream<String, Accounted> accounted =
        builder.stream(List.of(Topics.TELEMETRY, Topics.EVENTS), Consumed.with(text, bytes))
            .process(accounting(refused));

    accounted.mapValues(a -> a.ledger).to(Topics.LEDGERS, Produced.with(text, bytes));

    accounted
        .flatMap((device, a) -> a.news)
        .groupByKey(Grouped.with("health", text, CountsSerde.INSTANCE))
        .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
        .reduce(
            HealthCounts::plus,
            Materialized.<String, HealthCounts>as(
                    Stores.inMemoryWindowStore(SUMS, WINDOW.plus(GRACE), WINDOW, false))
                .withKeySerde(text)
                .withValueSerde(CountsSerde.INSTANCE))
        .toStream()
        .map(
            (windowed, counts) ->
                KeyValue.pair(
                    windowed.key(),
                    TelemetryMapper.healthWindow(
                        HealthKey.parse(windowed.key()),
                        windowed.window().start(),
                        WINDOW.toMillis(),
                        counts)))
        .to(Topics.HEALTH, Produced.with(text, bytes));
    return builder.build();
  }

  /**
   * What became of one record: the device's account after it, and what it adds to health by group,
   * which is nothing for an event or a duplicate.
   */
  private static final class Accounted {
    private final byte[] ledger;
    private final List<KeyValue<String, HealthCounts>> news;

    Accounted(byte[] ledger, List<KeyValue<String, HealthCounts>> news) {
      this.ledger = ledger;
      this.news = news;
    }
  }

  private static ProcessorSupplier<String, byte[], String, Accounted> accounting(
      Consumer<String> refused) {
    return new ProcessorSupplier<>() {
      @Override
      public Processor<String, byte[], String, Accounted> get() {
        return new Accounting(refused);
      }

      @Override
      public Set<StoreBuilder<?>> stores() {
        return Set.of(
            Stores.keyValueStoreBuilder(
                    Stores.inMemoryKeyValueStore(ACCOUNTS), Serdes.String(), Serdes.ByteArray())
                .withLoggingEnabled(Map.of()));
      }
    };
  }

  /** Keeps the account of each device and lets each record through once. */
  private static final class Accounting implements Processor<String, byte[], String, Accounted> {
    private final Consumer<String> refused;
    private @org.jspecify.annotations.Nullable ProcessorContext<String, Accounted> context;
    private @org.jspecify.annotations.Nullable KeyValueStore<String, byte[]> accounts;

    Accounting(Consumer<String> refused) {
      this.refused = refused;
    }

    @Override
    public void init(ProcessorContext<String, Accounted> context) {
      this.context = context;
      this.accounts = context.getStateStore(ACCOUNTS);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      ProcessorContext<String, Accounted> forward = java.util.Objects.requireNonNull(context);
      KeyValueStore<String, byte[]> store = java.util.Objects.requireNonNull(accounts);
      boolean event =
          forward.recordMetadata().map(m -> m.topic().equals(Topics.EVENTS)).orElse(false);
      try {
        if (record.key() == null || record.value() == null) {
          throw new TelemetryMapper.RefusedException("identity");
        }
        DeviceRecord read =
            event
                ? TelemetryMapper.event(record.key(), record.value())
                : TelemetryMapper.window(record.key(), record.value());
        read.refusal().ifPresent(refused);
        byte[] before = store.get(read.device());
        DeviceLedger ledger =
            before == null ? new DeviceLedger(read.device()) : TelemetryMapper.ledger(before);
        List<KeyValue<String, HealthCounts>> news =
            ledger.accept(read, record.timestamp())
                ? news(ledger, read, record.timestamp())
                : List.of();
        byte[] after = TelemetryMapper.ledger(ledger);
        store.put(read.device(), after);
        forward.forward(record.withValue(new Accounted(after, news)));
      } catch (TelemetryMapper.RefusedException e) {
        refused.accept(e.reason());
      }
    }

    private static List<KeyValue<String, HealthCounts>> news(
        DeviceLedger ledger, DeviceRecord read, long brokerMillis) {
      if (read.window().isEmpty()) {
        return List.of();
      }
      DeviceRecord.Window window = read.window().get();
      String group = window.key().wire();
      long start = brokerMillis - Math.floorMod(brokerMillis, WINDOW.toMillis());
      HealthCounts counts = window.counts();
      if (ledger.countIn(group, start)) {
        counts = counts.plus(HealthCounts.ONE_DEVICE);
      }
      return List.of(KeyValue.pair(group, counts));
    }
  }
}
