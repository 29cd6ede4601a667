package io.stillhouse.agent.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.Slot;
import io.stillhouse.agent.testing.FakeDisk;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.agent.testing.TestPacking;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StagingTest {
  private static final Staging.Meter NO_METER = bytes -> {};

  private final FakeDisk disk = new FakeDisk();
  private final Layout layout = new Layout(Path.of("/agent"));
  private final Slots slots = new Slots(disk, layout);
  private final Staging staging = new Staging(disk, layout, slots, 0);
  private final ManifestVerifier verifier =
      ManifestVerifierTest.verifier(TestBundle.HARDWARE_CLASS);
  private final List<String> served = new ArrayList<>();

  @BeforeEach
  void directories() throws Exception {
    disk.createDirectories(layout.root());
    layout.create(disk);
  }

  /** An honest source that notes what it was asked for. */
  private ArtifactSource honest(TestBundle bundle) {
    return source(bundle, (name, index, bytes) -> Optional.of(bytes));
  }

  private interface Tamper {
    Optional<byte[]> change(String name, int index, byte[] bytes) throws ArtifactRefusedException;
  }

  private ArtifactSource source(TestBundle bundle, Tamper tamper) {
    return new ArtifactSource() {
      @Override
      public boolean connected() {
        return true;
      }

      @Override
      public SignedBytes manifest(Digest digest) {
        return bundle.signed();
      }

      @Override
      public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
          throws ArtifactRefusedException, InterruptedException {
        List<byte[]> chunks = bundle.chunks(file.name());
        for (int i = firstChunk; i < chunks.size(); i++) {
          served.add(file.name() + "#" + i);
          Optional<byte[]> sent = tamper.change(file.name(), i, chunks.get(i).clone());
          if (sent.isEmpty() || !taker.take(i, sent.get())) {
            return;
          }
        }
      }
    };
  }

  private BundlePlan begin(TestBundle bundle, Models models) throws Exception {
    BundlePlan plan = verifier.accept(bundle.signed(), bundle.digest(), Memory.EMPTY);
    staging.begin(bundle.signed(), plan, models);
    return plan;
  }

  private Installed install(TestBundle bundle, Models models) throws Exception {
    BundlePlan plan = begin(bundle, models);
    staging.fill(plan, honest(bundle), NO_METER);
    return staging.verifyAndInstall(plan, models);
  }

  private static Models committed(Installed installed) {
    return new Models(Optional.of(installed), Optional.empty(), Optional.empty());
  }

  @Test
  void a_whole_bundle_ends_in_a_free_slot_and_verifies_there() throws Exception {
    Installed first = install(TestBundle.large(1, 600_000), Models.NONE);
    assertThat(first.slot()).isEqualTo(Slot.A);
    slots.verify(first);
    Installed second = install(TestBundle.sound(2), committed(first));
    assertThat(second.slot()).isEqualTo(Slot.B);
    slots.verify(first);
    slots.verify(second);
    assertThat(disk.list(layout.staging())).isEmpty();
  }

  @Test
  void a_packed_form_is_fetched_instead_of_its_file_and_leaves_only_the_file() throws Exception {
    TestBundle bundle = TestBundle.packed(1, 2_000_000);
    Installed installed = install(bundle, Models.NONE);
    slots.verify(installed);
    assertThat(served).contains("model.onnx.stf#1").doesNotContain("model.onnx#0");
    assertThat(disk.read(slots.path(installed.slot()).resolve(BundlePlan.MODEL), 4_000_000))
        .isEqualTo(bundle.file(BundlePlan.MODEL));
    assertThat(disk.list(slots.path(installed.slot())))
        .noneMatch(file -> file.toString().endsWith(FilePlan.PACKED_SUFFIX));
  }

  @Test
  void a_coding_that_the_agent_does_not_know_is_passed_over() throws Exception {
    Map<String, byte[]> files = new TreeMap<>(TestBundle.soundFiles(1, 1_000));
    files.put(BundlePlan.MODEL + FilePlan.PACKED_SUFFIX, new byte[] {1, 2, 3});
    TestBundle bundle =
        TestBundle.ofFiles(
            files,
            manifest ->
                manifest.getFilesBuilderList().stream()
                    .filter(file -> file.hasPacked())
                    .forEach(file -> file.getPackedBuilder().setCoding("stf9")));
    slots.verify(install(bundle, Models.NONE));
    assertThat(served).contains("model.onnx#0");
  }

  @Test
  void a_packed_form_that_stands_for_another_file_never_reaches_a_slot() throws Exception {
    Map<String, byte[]> files = new TreeMap<>(TestBundle.soundFiles(1, 1_000));
    byte[] other = new byte[TestBundle.ofFiles(files).file(BundlePlan.MODEL).length];
    files.put(BundlePlan.MODEL + FilePlan.PACKED_SUFFIX, TestPacking.pack(other, 3));
    assertThatThrownBy(() -> install(TestBundle.ofFiles(files), Models.NONE))
        .hasMessageContaining("BAD_DIGEST");
    files.put(BundlePlan.MODEL + FilePlan.PACKED_SUFFIX, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> install(TestBundle.ofFiles(files), Models.NONE))
        .hasMessageContaining("MALFORMED")
        .hasMessageContaining("does not unfold");
    assertThat(disk.list(layout.slots())).isEmpty();
  }

  @Test
  void a_broken_download_asks_only_for_what_is_missing() throws Exception {
    TestBundle bundle = TestBundle.large(1, 1_000_000);
    BundlePlan plan = begin(bundle, Models.NONE);
    assertThatThrownBy(
            () ->
                staging.fill(
                    plan,
                    source(
                        bundle,
                        (name, index, bytes) -> {
                          if (name.equals(BundlePlan.MODEL) && index == 2) {
                            throw ArtifactRefusedException.passing(RefusalReason.NETWORK, "cut");
                          }
                          return Optional.of(bytes);
                        }),
                    NO_METER))
        .hasMessageContaining("NETWORK");
    disk.restart(FakeDisk.Loss.NOTHING, new Random(1));
    served.clear();
    BundlePlan again = staging.plan(bundle.digest());
    staging.fill(again, honest(bundle), NO_METER);
    assertThat(served).containsExactlyInAnyOrder("model.onnx#2", "model.onnx#3");
    slots.verify(staging.verifyAndInstall(again, Models.NONE));
  }

  /** A process that was killed leaves the disk and nothing else. */
  @Test
  void after_a_kill_a_fresh_process_asks_from_the_first_missing_chunk_on_and_installs()
      throws Exception {
    TestBundle bundle = TestBundle.large(1, 2 * FilePlan.CHUNK_BYTES + 1_000);
    assertThat(bundle.chunks(BundlePlan.MODEL)).hasSize(3);
    BundlePlan begun = begin(bundle, Models.NONE);
    int[] kept = {0};
    assertThatThrownBy(
            () ->
                staging.fill(
                    begun,
                    honest(bundle),
                    bytes -> {
                      if (bytes == FilePlan.CHUNK_BYTES && ++kept[0] == 2) {
                        throw new FakeDisk.PowerCut();
                      }
                    }))
        .isInstanceOf(FakeDisk.PowerCut.class);
    disk.restart(FakeDisk.Loss.NOTHING, new Random(1));

    Slots freshSlots = new Slots(disk, layout);
    Staging fresh = new Staging(disk, layout, freshSlots, 0);
    List<String> asked = new ArrayList<>();
    served.clear();
    ArtifactSource honest = honest(bundle);
    ArtifactSource noting =
        new ArtifactSource() {
          @Override
          public boolean connected() {
            return true;
          }

          @Override
          public SignedBytes manifest(Digest digest) {
            throw new AssertionError("the manifest is on disk");
          }

          @Override
          public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
              throws ArtifactRefusedException, InterruptedException {
            asked.add(file.name() + " from " + firstChunk);
            honest.chunks(digest, file, firstChunk, taker);
          }
        };
    BundlePlan plan = fresh.plan(bundle.digest());
    fresh.fill(plan, noting, NO_METER);
    assertThat(asked).contains("model.onnx from 2").doesNotContain("model.onnx from 0");
    assertThat(served).contains("model.onnx#2").doesNotContain("model.onnx#0", "model.onnx#1");
    Installed installed = fresh.verifyAndInstall(plan, Models.NONE);
    freshSlots.verify(installed);
    assertThat(disk.read(freshSlots.path(installed.slot()).resolve(BundlePlan.MODEL), 1 << 20))
        .isEqualTo(bundle.file(BundlePlan.MODEL));
  }

  @Test
  void a_hole_in_the_middle_is_filled_without_fetching_the_rest_again() throws Exception {
    TestBundle bundle = TestBundle.large(1, 1_000_000);
    BundlePlan plan = begin(bundle, Models.NONE);
    staging.fill(plan, honest(bundle), NO_METER);
    Path model = layout.staging(plan.digest()).resolve(BundlePlan.MODEL);
    disk.writeAt(model, FilePlan.CHUNK_BYTES + 7, new byte[] {1, 2, 3});
    served.clear();
    staging.fill(plan, honest(bundle), NO_METER);
    assertThat(served).containsExactly("model.onnx#1");
  }

  @Test
  void a_damaged_chunk_is_never_kept_and_asked_for_again_a_bounded_number_of_times()
      throws Exception {
    TestBundle bundle = TestBundle.large(1, 600_000);
    BundlePlan plan = begin(bundle, Models.NONE);
    assertThatThrownBy(
            () ->
                staging.fill(
                    plan,
                    source(
                        bundle,
                        (name, index, bytes) -> {
                          if (name.equals(BundlePlan.MODEL) && index == 1) {
                            bytes[5] ^= 1;
                          }
                          return Optional.of(bytes);
                        }),
                    NO_METER))
        .isInstanceOfSatisfying(
            ArtifactRefusedException.class,
            e -> {
              assertThat(e.refusal().reason()).isEqualTo(RefusalReason.BAD_DIGEST);
              assertThat(e.refusal().retryable()).isTrue();
            });
    assertThat(served.stream().filter("model.onnx#1"::equals).count())
        .isLessThanOrEqualTo(Staging.CHUNK_TRIES_MAX + 1);
    served.clear();
    staging.fill(plan, honest(bundle), NO_METER);
    assertThat(served).doesNotContain("model.onnx#0");
    slots.verify(staging.verifyAndInstall(plan, Models.NONE));
  }

  @Test
  void a_stream_that_ends_early_is_truncated_and_one_that_never_ends_is_cut_off() throws Exception {
    TestBundle bundle = TestBundle.sound(1);
    BundlePlan plan = begin(bundle, Models.NONE);
    assertThatThrownBy(
            () ->
                staging.fill(
                    plan, source(bundle, (name, index, bytes) -> Optional.empty()), NO_METER))
        .hasMessageContaining("TRUNCATED");
    int[] sent = {0};
    ArtifactSource endless =
        new ArtifactSource() {
          @Override
          public boolean connected() {
            return true;
          }

          @Override
          public SignedBytes manifest(Digest digest) {
            return bundle.signed();
          }

          @Override
          public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
              throws ArtifactRefusedException, InterruptedException {
            int index = firstChunk;
            byte[] chunk = bundle.chunks(file.name()).get(0);
            while (taker.take(index++, chunk)) {
              sent[0]++;
            }
          }
        };
    assertThatThrownBy(() -> staging.fill(plan, endless, NO_METER))
        .hasMessageContaining("ENDLESS_DATA");
    assertThat(sent[0]).isEqualTo(1);
  }

  @Test
  void chunks_out_of_order_are_refused() throws Exception {
    TestBundle bundle = TestBundle.large(1, 600_000);
    BundlePlan plan = begin(bundle, Models.NONE);
    ArtifactSource shuffled =
        new ArtifactSource() {
          @Override
          public boolean connected() {
            return true;
          }

          @Override
          public SignedBytes manifest(Digest digest) {
            return bundle.signed();
          }

          @Override
          public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
              throws ArtifactRefusedException, InterruptedException {
            taker.take(file.chunks().size() - 1, bundle.chunks(file.name()).get(0));
          }
        };
    assertThatThrownBy(() -> staging.fill(plan, shuffled, NO_METER))
        .hasMessageContaining("BAD_DIGEST");
  }

  @Test
  void too_little_room_is_refused_before_the_first_byte() throws Exception {
    TestBundle bundle = TestBundle.sound(1);
    disk.freeBytes(Staging.RESERVE_BYTES);
    assertThatThrownBy(() -> begin(bundle, Models.NONE)).hasMessageContaining("NO_SPACE");
    disk.freeBytes(1L << 40);
    Staging strict = new Staging(disk, layout, slots, 100);
    BundlePlan plan = verifier.accept(bundle.signed(), bundle.digest(), Memory.EMPTY);
    assertThatThrownBy(() -> strict.begin(bundle.signed(), plan, Models.NONE))
        .hasMessageContaining("TOO_LARGE")
        .hasMessageContaining("artifact.storageBytesMax");
  }

  @Test
  void a_disk_that_fills_up_at_any_write_refuses_cleanly_and_leaves_the_committed_model()
      throws Exception {
    Installed committed = install(TestBundle.sound(1), Models.NONE);
    TestBundle next = TestBundle.packed(2, 600_000);
    int refusals = 0;
    for (int operation = 0; ; operation++) {
      disk.fullFrom(disk.operations() + operation);
      boolean done = false;
      try {
        Installed second = install(next, committed(committed));
        slots.verify(second);
        done = true;
      } catch (ArtifactRefusedException e) {
        assertThat(e.refusal().reason()).isEqualTo(RefusalReason.NO_SPACE);
        refusals++;
      }
      disk.fullFrom(Long.MAX_VALUE);
      slots.verify(committed);
      if (done) {
        break;
      }
    }
    assertThat(refusals).isGreaterThan(8);
  }

  @Test
  void ten_thousand_corrupt_transfers_never_install_a_wrong_byte_or_touch_the_committed_model()
      throws Exception {
    Installed committed = install(TestBundle.sound(1), Models.NONE);
    TestBundle next = TestBundle.sound(2);
    int refused = 0;
    for (long seed = 0; seed < 10_000; seed++) {
      Random random = new Random(seed);
      BundlePlan plan = begin(next, committed(committed));
      try {
        staging.fill(
            plan,
            source(
                next,
                (name, index, bytes) ->
                    Optional.of(random.nextInt(4) > 0 ? Corruption.of(bytes, random) : bytes)),
            NO_METER);
        Installed second = staging.verifyAndInstall(plan, committed(committed));
        assertThat(slots.damaged(committed(second))).as("seed %d", seed).isEmpty();
      } catch (ArtifactRefusedException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(1_000);
    slots.verify(committed);
  }

  @Test
  void content_that_is_signed_but_unsafe_never_reaches_a_slot() throws Exception {
    Map<String, byte[]> files = new TreeMap<>(TestBundle.soundFiles(1, 0));
    files.put(BundlePlan.MODEL, new byte[] {1, 2, 3});
    TestBundle unsafe = TestBundle.ofFiles(files);
    assertThatThrownBy(() -> install(unsafe, Models.NONE)).hasMessageContaining("UNSAFE_MODEL");
    files.putAll(TestBundle.soundFiles(1, 0));
    files.put(BundlePlan.GOLDEN, new byte[0]);
    assertThatThrownBy(() -> install(TestBundle.ofFiles(files), Models.NONE))
        .hasMessageContaining("MALFORMED");
    assertThat(disk.list(layout.slots())).isEmpty();
  }

  @Test
  void without_a_journal_the_latest_committed_bundle_that_verifies_is_found() throws Exception {
    Installed first = install(TestBundle.sound(1), Models.NONE);
    slots.markProven(first, 3);
    Installed second =
        install(TestBundle.changed(2, m -> m.setReleaseCounter(9)), committed(first));
    assertThat(slots.recover(verifier).live()).contains(first);
    assertThat(slots.recover(verifier).models().fallback()).as("never committed").isEmpty();
    slots.markProven(second, 4);
    assertThat(slots.recover(verifier).live()).contains(second);
    assertThat(slots.recover(verifier).models().fallback()).contains(first);
    assertThat(slots.recover(verifier).memory().floor("inspect")).isEqualTo(5);
    disk.damage(slots.path(second.slot()).resolve(BundlePlan.MODEL), new Random(1));
    assertThat(slots.recover(verifier).live()).contains(first);
    disk.damage(slots.path(first.slot()).resolve(Layout.SIGNATURE), new Random(1));
    assertThat(slots.recover(verifier).live()).isEmpty();
  }

  @Test
  void a_damaged_slot_is_noticed() throws Exception {
    Installed first = install(TestBundle.sound(1), Models.NONE);
    assertThat(slots.damaged(committed(first))).isEmpty();
    for (String file : List.of(BundlePlan.MODEL, BundlePlan.GOLDEN, Layout.MANIFEST)) {
      byte[] whole = disk.read(slots.path(first.slot()).resolve(file), 1 << 20);
      disk.damage(slots.path(first.slot()).resolve(file), new Random(7));
      assertThat(slots.damaged(committed(first))).as(file).containsExactly(first.slot());
      disk.write(slots.path(first.slot()).resolve(file), whole);
    }
    assertThat(slots.find(first.digest())).contains(first);
  }
}
