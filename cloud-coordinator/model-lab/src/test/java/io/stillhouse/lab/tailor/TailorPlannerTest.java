package io.stillhouse.lab.tailor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.lab.tailor.TailorPlanner.Broken;
import io.stillhouse.model.Precision;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.profile.Board;
import io.stillhouse.model.profile.CpuArch;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.model.profile.Probe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TailorPlannerTest {
  private static final List<Estimate> ESTIMATES =
      new CandidateSpace(
              "separable_small",
              List.of(1.0, 0.75, 0.5, 0.25),
              List.of(0.0, 0.4),
              List.of(Precision.FP32, Precision.INT8))
          .candidates().stream().map(c -> Estimate.of(c, new ImageShape(1, 28, 28), 10)).toList();

  @Test
  void unlike_boards_get_unlike_students() {
    assertThat(chosen(profile(4 << 20, 128 << 20, 40_000, 4_000)))
        .isEqualTo("separable_small-w100-p00-fp32");
    assertThat(chosen(profile(96 << 10, 64 << 20, 60_000, 1_000)))
        .isEqualTo("separable_small-w100-p00-int8");
    assertThat(chosen(profile(48 << 10, 48 << 20, 100_000, 500)))
        .isEqualTo("separable_small-w075-p00-int8");
  }

  @Test
  void a_slower_device_gets_a_smaller_student_for_the_same_latency() {
    String fast = chosen(profile(0, 0, 3_000, 4_000));
    String slow = chosen(profile(0, 0, 3_000, 1_000));
    assertThat(fast).isEqualTo("separable_small-w100-p00-fp32");
    assertThat(macsOf(slow)).isLessThan(macsOf(fast));
  }

  @Test
  void each_rejection_says_which_budget_broke_and_by_how_much() {
    TailorPlanner.Choice choice =
        TailorPlanner.choose(ESTIMATES, profile(48 << 10, 48 << 20, 100_000, 500), Map.of());
    assertThat(choice.rejected())
        .containsEntry(
            "separable_small-w100-p00-fp32",
            "file %d bytes > 49152"
                .formatted(estimate("separable_small-w100-p00-fp32").fileBytes()));
    choice = TailorPlanner.choose(ESTIMATES, profile(0, 32 << 20, 0, 500), Map.of());
    assertThat(choice.chosen()).isEmpty();
    assertThat(choice.rejected()).hasSize(ESTIMATES.size());
    assertThat(choice.rejected().values()).allMatch(r -> r.startsWith("predicted memory "));
    choice = TailorPlanner.choose(ESTIMATES, profile(0, 0, 1, 500), Map.of());
    assertThat(choice.rejected().values()).allMatch(r -> r.matches("predicted p99 \\d+ us > 1 us"));
  }

  @Test
  void a_student_that_broke_its_promise_makes_way_for_the_next() {
    HardwareProfile profile = profile(0, 0, 0, 4_000);
    TailorPlanner.Choice choice =
        TailorPlanner.choose(
            ESTIMATES,
            profile,
            Map.of("separable_small-w100-p00-fp32", new Broken("file 9 bytes > 8", false)));
    assertThat(choice.chosen().orElseThrow().candidate().key())
        .isEqualTo("separable_small-w100-p00-int8");
    assertThat(choice.rejected())
        .containsExactly(Map.entry("separable_small-w100-p00-fp32", "file 9 bytes > 8"));
  }

  @Test
  void what_promises_less_than_an_inaccurate_student_is_not_made() {
    String tried = "separable_small-w075-p00-fp32";
    TailorPlanner.Choice choice =
        TailorPlanner.choose(
            ESTIMATES,
            profile(96 << 10, 64 << 20, 60_000, 1_000),
            Map.of(
                "separable_small-w100-p00-int8",
                new Broken("file 9 bytes > 8", false),
                tried,
                new Broken("accuracy 0.8 is 0.1 below the teacher's (allowed 0.03)", true)));
    assertThat(choice.chosen()).isEmpty();
    assertThat(choice.rejected())
        .hasSize(ESTIMATES.size())
        .containsEntry(
            "separable_small-w050-p00-fp32",
            "promises less than " + tried + ", which is not accurate enough");
  }

  @Test
  void a_candidate_that_pruning_leaves_as_it_is_is_no_candidate() {
    List<Estimate> narrow =
        new CandidateSpace(
                "separable_small", List.of(0.25), List.of(0.0, 0.02, 0.4), List.of(Precision.FP32))
            .candidates().stream().map(c -> Estimate.of(c, new ImageShape(1, 28, 28), 10)).toList();
    TailorPlanner.Choice choice =
        TailorPlanner.choose(
            narrow,
            profile(0, 0, 0, 4_000),
            Map.of("separable_small-w025-p00-fp32", new Broken("file 9 bytes > 8", false)));
    assertThat(choice.chosen().orElseThrow().candidate().key())
        .isEqualTo("separable_small-w025-p40-fp32");
    assertThat(choice.rejected())
        .containsEntry(
            "separable_small-w025-p02-fp32",
            "pruned by 0.02 it loses no channel, rounded to multiples of 8");
  }

  @Test
  void candidates_come_in_the_order_of_expected_accuracy() {
    List<String> keys =
        ESTIMATES.stream()
            .sorted(TailorPlanner.BY_EXPECTED_ACCURACY)
            .map(e -> e.candidate().key())
            .toList();
    assertThat(keys.subList(0, 3))
        .containsExactly(
            "separable_small-w100-p00-fp32",
            "separable_small-w100-p00-int8",
            "separable_small-w075-p00-fp32");
  }

  @Test
  void int8_files_are_smaller_and_pruning_makes_smaller_ones_yet() {
    assertThat(estimate("separable_small-w100-p00-int8").fileBytes())
        .isLessThan(estimate("separable_small-w100-p00-fp32").fileBytes() / 2);
    assertThat(estimate("separable_small-w100-p40-int8").fileBytes())
        .isLessThan(estimate("separable_small-w100-p00-int8").fileBytes());
  }

  @Test
  void without_probes_a_slow_core_is_assumed() {
    LatencyPredictor none = new LatencyPredictor(List.of());
    assertThat(none.assumes(Precision.FP32)).isTrue();
    assertThat(none.p50Micros(estimate("separable_small-w100-p00-fp32").graph(), Precision.FP32))
        .isBetween(10_000.0, 15_000.0);
  }

  @Test
  void a_prediction_is_the_call_and_the_layers_at_their_nearest_probe() {
    List<Probe> probes =
        List.of(
            new Probe("linear", Precision.FP32, 160, 40, 10),
            new Probe("conv3x3", Precision.FP32, 112_896, 0, 20),
            new Probe("conv3x3", Precision.FP32, 100_000_000, 0, 1_000_000),
            new Probe("depthwise3x3", Precision.FP32, 225_792, 0, 30),
            new Probe("pointwise", Precision.FP32, 802_816, 0, 50),
            new Probe("pointwise", Precision.INT8, 802_816, 0, 1));
    Estimate estimate = estimate("separable_small-w100-p00-fp32");
    double conv = 112_896 / (112_896 / 10.0);
    double depthwise = (112_896 + 56_448 + 112_896 + 28_224 + 56_448) / (225_792 / 20.0);
    double pointwise = (401_408 + 401_408 + 802_816 + 401_408 + 802_816) / (802_816 / 40.0);
    double linear = 1_280 / (160 / 2.0);
    int nodes = estimate.graph().nodes().size();
    assertThat(new LatencyPredictor(probes).p50Micros(estimate.graph(), Precision.FP32))
        .isCloseTo(
            10 + nodes + conv + depthwise + pointwise + linear,
            org.assertj.core.api.Assertions.within(0.01));
  }

  private static String chosen(HardwareProfile profile) {
    return TailorPlanner.choose(ESTIMATES, profile, Map.of())
        .chosen()
        .orElseThrow()
        .candidate()
        .key();
  }

  private static long macsOf(String key) {
    return estimate(key).cost().macs();
  }

  private static Estimate estimate(String key) {
    return ESTIMATES.stream()
        .filter(e -> e.candidate().key().equals(key))
        .findFirst()
        .orElseThrow();
  }

  private static HardwareProfile profile(
      long fileMax, long memoryMax, long latencyMaxMicros, double macsPerMicro) {
    List<Probe> probes = new ArrayList<>();
    for (Precision precision : List.of(Precision.FP32, Precision.INT8)) {
      double speed = precision == Precision.INT8 ? 1.5 * macsPerMicro : macsPerMicro;
      for (String kernel : List.of("conv3x3", "depthwise3x3", "pointwise")) {
        probes.add(new Probe(kernel, precision, 800_000, 1, 10 + 800_000 / speed));
      }
      probes.add(new Probe("linear", precision, 160, 40, 10));
    }
    return new HardwareProfile(
        new Board("sim", CpuArch.X86_64, List.of("avx2"), 2, new Board.Capacity(1, 1, List.of())),
        new DeviceLimits(1, memoryMax, fileMax, Duration.ofNanos(1_000 * latencyMaxMicros), true),
        probes,
        "1.28.0");
  }
}
