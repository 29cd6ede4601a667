package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.testing.FakeCoordinator;
import io.stillhouse.agent.testing.TestBundle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GrpcSourceTest {
  private static final String FILE = "model.onnx";

  /** The largest window that the transport may grow to, 8 MiB, twice. */
  private static final int SENT_AHEAD_MAX = 64;

  private final TestBundle bundle = TestBundle.large(3, 5 * FilePlan.CHUNK_BYTES);

  @SuppressWarnings("NullAway.Init")
  private FakeCoordinator coordinator;

  @SuppressWarnings("NullAway.Init")
  private ManagedChannel channel;

  @SuppressWarnings("NullAway.Init")
  private GrpcSource source;

  @BeforeEach
  void connect() throws Exception {
    coordinator = new FakeCoordinator();
    coordinator.offer(bundle);
    channel = Channels.of(LinkFixtures.enrolled(coordinator));
    source = new GrpcSource(() -> channel, () -> true);
  }

  @AfterEach
  void disconnect() {
    channel.shutdownNow();
    coordinator.close();
  }

  @Test
  void a_manifest_comes_as_it_was_signed() throws Exception {
    assertThat(source.manifest(bundle.digest()))
        .usingRecursiveComparison()
        .isEqualTo(bundle.signed());
  }

  @Test
  void chunks_come_in_order_from_the_one_that_is_missing() throws Exception {
    List<byte[]> whole = bundle.chunks(FILE);
    assertThat(whole).hasSizeGreaterThan(4);
    for (int first : new int[] {0, 2, whole.size() - 1}) {
      List<Integer> indices = new ArrayList<>();
      List<byte[]> came = new ArrayList<>();
      source.chunks(
          bundle.digest(),
          plan(),
          first,
          (index, bytes) -> {
            indices.add(index);
            came.add(bytes);
            return true;
          });
      assertThat(indices).first().isEqualTo(first);
      assertThat(indices).isSorted().hasSize(whole.size() - first);
      assertThat(came).usingRecursiveComparison().isEqualTo(whole.subList(first, whole.size()));
    }
  }

  @Test
  void a_coordinator_that_sends_without_end_is_stopped_and_fills_no_memory() throws Exception {
    coordinator.neverEnding();
    int[] taken = {0};
    int[] sent = {0};
    source.chunks(
        bundle.digest(),
        plan(),
        0,
        (index, bytes) -> {
          if (++taken[0] == 3) {
            await(() -> coordinator.heldBack);
            sent[0] = coordinator.chunksSent.get();
          }
          return taken[0] < 3;
        });
    assertThat(taken[0]).isEqualTo(3);
    assertThat(sent[0]).as("chunks sent ahead").isLessThan(SENT_AHEAD_MAX);
    await(() -> coordinator.cancelled);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  @Test
  void what_the_coordinator_withholds_or_cannot_give_now_may_be_tried_again() throws Exception {
    Digest other = new Digest("ab".repeat(32));
    assertRefused(() -> source.manifest(other), RefusalReason.MALFORMED, "not to have it");
    coordinator.close();
    assertRefused(() -> source.manifest(bundle.digest()), RefusalReason.NETWORK, "manifest");
    assertRefused(
        () -> source.chunks(bundle.digest(), plan(), 0, (index, bytes) -> true),
        RefusalReason.NETWORK,
        FILE);
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call,
      RefusalReason reason,
      String detail) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ArtifactRefusedException.class,
            e -> {
              assertThat(e.refusal().reason()).isEqualTo(reason);
              assertThat(e.refusal().retryable()).isTrue();
              assertThat(e.refusal().detail()).contains(detail).doesNotContain("\n");
            });
  }

  private FilePlan plan() {
    byte[] file = bundle.file(FILE);
    return new FilePlan(
        FILE,
        file.length,
        "00".repeat(32),
        Collections.nCopies(bundle.chunks(FILE).size(), "00".repeat(32)));
  }
}
