package io.stillhouse.agent.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.inference.InferenceOutcome.Answered;
import io.stillhouse.agent.inference.InferenceOutcome.Busy;
import io.stillhouse.agent.inference.InferenceOutcome.Failed;
import io.stillhouse.agent.inference.InferenceOutcome.NoModel;
import io.stillhouse.agent.inference.InferenceOutcome.Rejected;
import io.stillhouse.agent.testing.Slots;
import io.stillhouse.agent.testing.TinyModels;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class OnnxModelHostTest {
  private static final OptionalInt UNKNOWN = OptionalInt.empty();

  @TempDir Path directory;
  private final List<OnnxModelHost> hosts = new ArrayList<>();

  @AfterEach
  void closeHosts() {
    hosts.forEach(OnnxModelHost::close);
  }

  private OnnxModelHost host(HostSettings settings) {
    OnnxModelHost host = new OnnxModelHost(settings, System::nanoTime);
    hosts.add(host);
    return host;
  }

  private OnnxModelHost host() {
    return host(HostSettings.withThreads(1));
  }

  private LoadedSlot slot(byte[] onnx, long version) {
    return Slots.slot(directory, onnx, version);
  }

  @Test
  void answers_with_the_logits_of_the_model() {
    OnnxModelHost host = host();
    host.activate(slot(TinyModels.linear(new float[] {1, -1, 0}, new float[] {0, 1, 2}), 1));
    Answered answered = (Answered) host.infer(Slots.image(0.25f), UNKNOWN);
    assertThat(answered.logits()).isEqualTo(Logits.of(1, 0, 2));
    assertThat(answered.label()).isEqualTo(2);
    double expected = 1 / (1 + Math.exp(-1) + Math.exp(-2));
    assertThat(answered.confidence())
        .isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-9));
  }

  @Test
  void reads_the_image_from_the_position_of_its_buffer_and_leaves_it_there() {
    OnnxModelHost host = host();
    host.activate(slot(TinyModels.linear(new float[] {1, -1, 0}, new float[3]), 1));
    FloatBuffer buffer = FloatBuffer.wrap(new float[] {9, 9, 1, 1, 1, 1}).position(2);
    Answered answered = (Answered) host.infer(buffer, UNKNOWN);
    assertThat(answered.logits()).isEqualTo(Logits.of(4, -4, 0));
    assertThat(buffer.position()).isEqualTo(2);
  }

  @Test
  void has_no_model_before_activation_and_after_deactivation() {
    OnnxModelHost host = host();
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isEqualTo(new NoModel());
    host.activate(slot(TinyModels.constant(1), 1));
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isInstanceOf(Answered.class);
    host.deactivate();
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isEqualTo(new NoModel());
    assertThat(host.live()).isEmpty();
    assertThat(host.stats()).isEqualTo(LiveStats.none(0));
  }

  @Test
  void counts_what_was_inferred() {
    OnnxModelHost host = host();
    host.activate(slot(TinyModels.linear(new float[] {1, -1, 0}, new float[3]), 1));
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < 10; i++) {
      OptionalInt expected = i < 4 ? OptionalInt.of(i < 3 ? 0 : 1) : UNKNOWN;
      Answered answered = (Answered) host.infer(Slots.image(i < 7 ? 1 : -1), expected);
      sum += answered.confidence();
      squares += answered.confidence() * answered.confidence();
    }
    LiveStats stats = host.stats();
    assertThat(stats.counts()).isEqualTo(new LiveStats.Counts(10, 0, 0, 0, 0));
    assertThat(stats.latency().total()).isEqualTo(10);
    assertThat(stats.classCounts()).containsExactly(7L, 3L, 0L);
    assertThat(stats.confidence()).isEqualTo(new LiveStats.Confidence(sum, squares));
    assertThat(stats.feedback()).isEqualTo(new LiveStats.Feedback(4, 3));
  }

  @Test
  void puts_each_latency_into_its_bucket() {
    // Each reading of this clock is 150 microseconds after the one before.
    AtomicLong nanos = new AtomicLong();
    OnnxModelHost host =
        new OnnxModelHost(HostSettings.withThreads(1), () -> nanos.addAndGet(150_000));
    hosts.add(host);
    host.activate(slot(TinyModels.constant(0), 1));
    Answered answered = (Answered) host.infer(Slots.image(1), UNKNOWN);
    long bucket = LatencyHistogram.bucketOf(answered.latencyNanos() / 1_000);
    assertThat(host.stats().latency().counts().get((int) bucket)).isEqualTo(1);
    assertThat(host.stats().latency().total()).isEqualTo(1);
  }

  @Test
  void non_finite_output_is_an_error_and_never_an_answer() {
    OnnxModelHost host = host();
    host.activate(slot(TinyModels.squareRoot(), 1));
    assertThat(host.infer(Slots.image(-1), OptionalInt.of(0))).isInstanceOf(Failed.class);
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isInstanceOf(Answered.class);
    LiveStats stats = host.stats();
    assertThat(stats.counts()).isEqualTo(new LiveStats.Counts(2, 1, 1, 0, 0));
    assertThat(stats.latency().total()).isEqualTo(1);
    assertThat(stats.feedback().count()).isZero();
  }

  @Test
  void an_image_of_the_wrong_size_is_the_callers_fault() {
    OnnxModelHost host = host();
    host.activate(slot(TinyModels.constant(0), 1));
    assertThat(host.infer(FloatBuffer.allocate(5), UNKNOWN))
        .isEqualTo(new Rejected("the image has 5 values (expected: 4)"));
    assertThat(host.stats().counts().inferences()).isZero();
  }

  @Test
  void a_run_that_takes_too_long_is_ended_and_the_next_one_answers() {
    OnnxModelHost host = host(new HostSettings(1, 1, 4, Duration.ofMillis(200)));
    host.activate(slot(TinyModels.loop(), 1));
    for (int round = 0; round < 3; round++) {
      assertThat(host.infer(Slots.image(1e9f), UNKNOWN))
          .isInstanceOfSatisfying(
              Failed.class, failed -> assertThat(failed.reason()).contains("too long"));
      assertThat(host.infer(Slots.image(1), UNKNOWN))
          .isInstanceOfSatisfying(
              Answered.class,
              answered -> assertThat(answered.logits()).isEqualTo(Logits.of(4, 4, 4)));
    }
    assertThat(host.stats().counts()).isEqualTo(new LiveStats.Counts(6, 3, 0, 3, 0));
  }

  @Test
  void beyond_workers_and_waiters_a_caller_is_told_busy() throws Exception {
    OnnxModelHost host = host(new HostSettings(1, 1, 1, Duration.ofSeconds(2)));
    host.activate(slot(TinyModels.loop(), 1));
    ExecutorService callers = Executors.newFixedThreadPool(8);
    try {
      List<Future<InferenceOutcome>> outcomes = new ArrayList<>();
      CountDownLatch together = new CountDownLatch(8);
      for (int i = 0; i < 8; i++) {
        outcomes.add(
            callers.submit(
                () -> {
                  together.countDown();
                  together.await();
                  return host.infer(Slots.image(1e9f), UNKNOWN);
                }));
      }
      int busy = 0;
      for (Future<InferenceOutcome> outcome : outcomes) {
        busy += outcome.get() instanceof Busy ? 1 : 0;
      }
      assertThat(busy).isEqualTo(6);
      assertThat(host.stats().counts()).isEqualTo(new LiveStats.Counts(2, 2, 0, 2, 6));
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void refuses_bytes_that_the_manifest_does_not_name_and_keeps_the_live_model() throws Exception {
    OnnxModelHost host = host();
    LoadedSlot good = slot(TinyModels.constant(1), 1);
    host.activate(good);
    LoadedSlot changed = slot(TinyModels.constant(2), 2);
    Files.write(changed.file().path(), TinyModels.constant(0));
    assertThatThrownBy(() -> host.activate(changed))
        .isInstanceOf(ModelRefusedException.class)
        .hasMessageContaining("SHA-256");
    assertThat(host.live()).contains(good);
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isInstanceOf(Answered.class);
  }

  @Test
  void refuses_what_is_no_model_or_not_the_one_of_the_card() {
    OnnxModelHost host = host();
    assertThatThrownBy(() -> host.activate(slot(new byte[] {1, 2, 3}, 1)))
        .isInstanceOf(ModelRefusedException.class);
    LoadedSlot slot = slot(TinyModels.constant(0), 1);
    LoadedSlot.ModelCard card = slot.card();
    LoadedSlot twoLabels =
        new LoadedSlot(
            slot.digest(),
            slot.file(),
            new LoadedSlot.ModelCard(
                card.model(), 1, List.of("a", "b"), card.preprocessing(), card.precision()),
            slot.placement(),
            true);
    assertThatThrownBy(() -> host.activate(twoLabels))
        .isInstanceOf(ModelRefusedException.class)
        .hasMessage("the model gives 3 logits (its manifest has 2 labels)");
    Path missing = directory.resolve("missing.onnx");
    LoadedSlot gone =
        new LoadedSlot(
            slot.digest(),
            new LoadedSlot.ModelFile(missing, slot.file().sha256()),
            card,
            slot.placement(),
            true);
    assertThatThrownBy(() -> host.activate(gone)).isInstanceOf(ModelRefusedException.class);
    assertThat(host.infer(Slots.image(1), UNKNOWN)).isEqualTo(new NoModel());
  }

  @Test
  void commit_splits_the_counts_without_loading_again() throws Exception {
    OnnxModelHost host = host();
    LoadedSlot slot = slot(TinyModels.constant(1), 1);
    host.activate(slot);
    host.infer(Slots.image(1), UNKNOWN);
    Files.delete(slot.file().path());
    host.activate(slot.committed());
    assertThat(host.live()).contains(slot.committed());
    host.infer(Slots.image(1), UNKNOWN);
    host.infer(Slots.image(1), UNKNOWN);
    assertThat(host.tenures())
        .extracting(Tenure::live, t -> t.slot().probation(), t -> t.stats().counts().inferences())
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(false, true, 1L),
            org.assertj.core.groups.Tuple.tuple(true, false, 2L));
  }

  @Test
  void swaps_under_load_lose_no_inference_and_mix_no_models() throws Exception {
    OnnxModelHost host = host(new HostSettings(1, 2, 16, Duration.ofSeconds(10)));
    List<LoadedSlot> slots =
        List.of(
            slot(TinyModels.constant(0), 0),
            slot(TinyModels.constant(1), 1),
            slot(TinyModels.constant(2), 2));
    host.activate(slots.get(0));
    int threads = 6;
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong done = new AtomicLong();
    List<CompletableFuture<Void>> callers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      callers.add(
          CompletableFuture.runAsync(
              () -> {
                while (!stop.get()) {
                  InferenceOutcome outcome = host.infer(Slots.image(1), UNKNOWN);
                  assertThat(outcome).isInstanceOf(Answered.class);
                  Answered answered = (Answered) outcome;
                  // Model v always names class v: an answer never mixes one model with another.
                  assertThat((long) answered.label()).isEqualTo(answered.slot().card().version());
                  done.incrementAndGet();
                }
              },
              command -> new Thread(command, "caller").start()));
    }
    int swaps = 30;
    for (int i = 1; i <= swaps; i++) {
      long before = done.get();
      while (done.get() < before + threads && callers.stream().noneMatch(c -> c.isDone())) {
        Thread.onSpinWait();
      }
      host.activate(slots.get(i % slots.size()));
    }
    stop.set(true);
    callers.forEach(CompletableFuture::join);
    long counted = host.tenures().stream().mapToLong(t -> t.stats().counts().inferences()).sum();
    assertThat(host.tenures()).hasSize(swaps + 1);
    assertThat(counted).isEqualTo(done.get());
    assertThat(host.tenures()).allMatch(t -> t.stats().counts().errors() == 0);
  }

  @Test
  void remembers_a_bounded_number_of_retired_tenures() {
    OnnxModelHost host = host();
    LoadedSlot slot = slot(TinyModels.constant(1), 1);
    for (int i = 0; i < Tenure.KEPT_MAX + 5; i++) {
      host.activate(slot);
    }
    assertThat(host.tenures()).hasSize(Tenure.KEPT_MAX + 1);
    assertThat(host.tenures().get(0).id()).isEqualTo(5);
  }
}
