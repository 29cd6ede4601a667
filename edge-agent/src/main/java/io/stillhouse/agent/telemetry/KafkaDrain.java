package io.stillhouse.agent.telemetry;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves spooled records to Kafka on a thread of its own, in order and at least once.
 *
 * <p>The producer's own buffer loses what it cannot deliver in time, so nothing rests in it: a
 * batch is read from the spool, sent, and the spool's cursor moves only over what the broker has
 * acknowledged. After any failure the producer is thrown away, because some failures leave it
 * unusable, and the same records are sent again after a wait that doubles. A receiver tells repeats
 * by spool and number.
 */
final class KafkaDrain implements AutoCloseable {
  private static final int BATCH_RECORDS_MAX = 200;
  private static final int BATCH_BYTES_MAX = 256 << 10;
  private static final Duration CLOSE_MAX = Duration.ofSeconds(2);
  private static final Logger log = LoggerFactory.getLogger(KafkaDrain.class);

  private final List<Source> sources;
  private final String key;
  private final Function<KafkaTarget, Producer<String, byte[]>> connect;
  private final DrainPace pace;
  private final RandomGenerator random;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by lock.
  private @Nullable KafkaTarget target;
  private boolean appended;
  private boolean closed;
  private @Nullable String problem;

  /** A spool and the topic that its records go to. */
  record Source(Spool spool, Function<KafkaTarget, String> topic) {}

  /** What a drain connects with and how it waits. */
  record Means(
      Function<KafkaTarget, Producer<String, byte[]>> connect,
      DrainPace pace,
      RandomGenerator random) {}

  /**
   * @param key of every record: the device's id, so that its records keep their order
   */
  KafkaDrain(List<Source> sources, String key, Means means) {
    this.sources = List.copyOf(sources);
    this.key = key;
    this.connect = means.connect;
    this.pace = means.pace;
    this.random = means.random;
    this.thread = new Thread(this::run, "telemetry-drain");
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Small buffers, since the spool is the buffer; zstd, since the link may be paid by the byte. */
  static Producer<String, byte[]> producer(KafkaTarget target) {
    Map<String, Object> settings =
        Map.ofEntries(
            Map.entry("bootstrap.servers", target.bootstrapServers()),
            Map.entry("acks", "all"),
            Map.entry("enable.idempotence", "true"),
            Map.entry("compression.type", "zstd"),
            Map.entry("buffer.memory", "2097152"),
            Map.entry("batch.size", "16384"),
            Map.entry("linger.ms", "20"),
            Map.entry("max.block.ms", "5000"),
            Map.entry("request.timeout.ms", "5000"),
            Map.entry("delivery.timeout.ms", "30000"),
            Map.entry("reconnect.backoff.max.ms", "30000"),
            // Nobody on a board reads the client's own metrics, and their classes take memory.
            Map.entry("metric.reporters", ""),
            Map.entry("enable.metrics.push", "false"));
    Map<String, Object> all = new HashMap<>(settings);
    target.tls().ifPresent(tls -> all.putAll(BrokerTlsEngines.settings(tls)));
    return new KafkaProducer<>(all, new StringSerializer(), new ByteArraySerializer());
  }

  void sendTo(KafkaTarget newTarget) {
    signal(() -> target = newTarget);
  }

  /** There is something new in a spool. */
  void wake() {
    signal(() -> appended = true);
  }

  private void signal(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What keeps records from being sent, in one line; empty while all is well. */
  Optional<String> problem() {
    lock.lock();
    try {
      return Optional.ofNullable(problem);
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    Producer<String, byte[]> producer = null;
    KafkaTarget connected = null;
    int failures = 0;
    try {
      while (true) {
        KafkaTarget wanted = awaitTarget();
        if (!wanted.equals(connected)) {
          discard(producer);
          producer = null;
          connected = wanted;
          failures = 0;
        }
        try {
          if (producer == null) {
            producer = connect.apply(wanted);
          }
          boolean sent = drainAll(producer, wanted);
          failures = 0;
          report(null);
          if (!sent) {
            awaitWork(wanted);
          }
        } catch (IOException | DeliveryException | RuntimeException e) {
          failures++;
          report(e.toString());
          discard(producer);
          producer = null;
          awaitChangeOfTarget(wanted, pace.backoffNanos(failures, random));
        }
      }
    } catch (InterruptedException e) {
      log.debug("The telemetry drain ends");
    } finally {
      discard(producer);
    }
  }

  /** The broker did not take a record. */
  private static final class DeliveryException extends Exception {
    private static final long serialVersionUID = 1L;

    DeliveryException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  private boolean drainAll(Producer<String, byte[]> producer, KafkaTarget wanted)
      throws IOException, DeliveryException, InterruptedException {
    boolean sent = false;
    for (Source source : sources) {
      SpoolBatch batch = source.spool.read(BATCH_RECORDS_MAX, BATCH_BYTES_MAX);
      if (!batch.isEmpty()) {
        deliver(producer, source, source.topic.apply(wanted), batch);
        sent = true;
      }
    }
    return sent;
  }

  private void deliver(
      Producer<String, byte[]> producer, Source source, String topic, SpoolBatch batch)
      throws IOException, DeliveryException, InterruptedException {
    List<Future<RecordMetadata>> acks = new ArrayList<>();
    long acked = -1;
    try {
      for (SpoolBatch.Item item : batch.items()) {
        acks.add(producer.send(new ProducerRecord<>(topic, key, item.payload())));
      }
      for (int i = 0; i < acks.size(); i++) {
        acks.get(i).get(pace.ackTimeout().toNanos(), TimeUnit.NANOSECONDS);
        acked = batch.items().get(i).seq();
      }
    } catch (ExecutionException e) {
      throw new DeliveryException(String.valueOf(e.getCause()), e);
    } catch (TimeoutException e) {
      throw new DeliveryException("no acknowledgement in " + pace.ackTimeout(), e);
    } finally {
      // Those before a failed one are delivered, whatever became of those after it.
      if (acked >= 0) {
        source.spool.ack(acked);
      }
    }
  }

  private KafkaTarget awaitTarget() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (target == null || closed) {
        if (closed) {
          throw new InterruptedException("closed");
        }
        changed.await();
      }
      return target;
    } finally {
      lock.unlock();
    }
  }

  private void awaitWork(KafkaTarget current) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!appended && !closed && current.equals(target)) {
        changed.await();
      }
      appended = false;
    } finally {
      lock.unlock();
    }
  }

  /** New records do not shorten the wait; another target does. */
  private void awaitChangeOfTarget(KafkaTarget current, long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = nanos;
      while (left > 0 && !closed && current.equals(target)) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Logged when it changes: a broker that is down for a week is one line. */
  private void report(@Nullable String now) {
    String before;
    lock.lock();
    try {
      before = problem;
      problem = now;
    } finally {
      lock.unlock();
    }
    if (now != null && before == null) {
      log.warn("Telemetry waits in the spool: {}", now);
    } else if (now == null && before != null) {
      log.info("Telemetry flows again");
    }
  }

  private static void discard(@Nullable Producer<String, byte[]> producer) {
    if (producer == null) {
      return;
    }
    // A pending interrupt would keep the client from freeing its threads.
    boolean interrupted = Thread.interrupted();
    try {
      producer.close(Duration.ZERO);
    } catch (KafkaException e) {
      log.debug("The Kafka client did not close cleanly: {}", e.toString());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Stops; what is not acknowledged stays in the spool. */
  @Override
  public void close() {
    signal(() -> closed = true);
    thread.interrupt();
    try {
      thread.join(CLOSE_MAX.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
