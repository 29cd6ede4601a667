package io.stillhouse.fleet.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.fleet.desired.RolloutId;
import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.fleet.device.Liveness;
import io.stillhouse.fleet.rollout.RolloutPlanner.Candidate;
import io.stillhouse.fleet.rollout.RolloutPlanner.Exclusion;
import io.stillhouse.fleet.rollout.RolloutPlanner.Offer;
import io.stillhouse.fleet.rollout.RolloutPlanner.Plan;
import io.stillhouse.fleet.simulation.Scene;
import io.stillhouse.model.Digest;
import io.stillhouse.model.profile.HardwareClass;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RolloutPlannerTest {
  private static final RolloutId ID = new RolloutId("r1");

  @Test
  void every_class_with_more_than_one_device_is_in_the_canary() {
    List<Candidate> fleet = new ArrayList<>(candidates("common", 95));
    fleet.addAll(candidates("rare", 2));
    fleet.addAll(candidates("scarce", 3));
    Plan plan = plan(List.of(5, 50, 100), fleet);
    Map<HardwareClass, Long> canary =
        plan.targets().stream()
            .filter(t -> t.wave() == 0)
            .collect(Collectors.groupingBy(RolloutTarget::hardwareClass, Collectors.counting()));
    assertThat(canary)
        .containsEntry(new HardwareClass("common"), 5L)
        .containsEntry(new HardwareClass("rare"), 1L)
        .containsEntry(new HardwareClass("scarce"), 1L);
  }

  @Test
  void three_unlike_devices_in_waves_of_34_and_100_percent_have_a_canary_of_one() {
    List<Candidate> fleet = new ArrayList<>();
    for (String name : List.of("a", "b", "c")) {
      fleet.addAll(candidates(name, 1));
    }
    assertThat(plan(List.of(34, 100), fleet).targets())
        .extracting(RolloutTarget::wave)
        .containsExactly(0, 1, 1);
    assertThat(plan(List.of(34, 100), candidates("a", 3)).targets())
        .extracting(RolloutTarget::wave)
        .containsExactly(0, 1, 1);
  }

  @Test
  void waves_that_would_be_empty_are_left_out() {
    assertThat(plan(List.of(1, 5, 10, 100), candidates("a", 2)).targets())
        .extracting(RolloutTarget::wave)
        .containsExactly(0, 1);
    assertThat(plan(List.of(50, 100), candidates("a", 1)).targets())
        .extracting(RolloutTarget::wave)
        .containsExactly(0);
  }

  @Test
  void the_draw_depends_on_the_rollout_and_not_on_the_order_of_the_devices() {
    List<Candidate> fleet = candidates("a", 40);
    List<Candidate> shuffled = new ArrayList<>(fleet);
    Collections.shuffle(shuffled, new Random(7));
    Plan plan = plan(List.of(10, 100), fleet);
    assertThat(plan(List.of(10, 100), shuffled)).isEqualTo(plan);
    Plan other = RolloutPlanner.plan(new RolloutId("r2"), List.of(10, 100), fleet, offer(fleet));
    assertThat(other.targets()).isNotEqualTo(plan.targets());
  }

  @Test
  void leaves_out_whom_it_must_and_says_why() {
    HardwareClass bad = new HardwareClass("bad");
    List<Candidate> fleet = new ArrayList<>();
    fleet.add(candidate("fine", "good", Liveness.ONLINE, Optional.empty(), false));
    fleet.add(candidate("away", "good", Liveness.STALE, Optional.empty(), false));
    fleet.add(candidate("done", "good", Liveness.ONLINE, Optional.of(variant("good")), false));
    fleet.add(candidate("gone", "good", Liveness.LOST, Optional.empty(), true));
    fleet.add(candidate("ill", "bad", Liveness.ONLINE, Optional.empty(), false));
    fleet.add(candidate("odd", "other", Liveness.ONLINE, Optional.empty(), false));
    Offer offer =
        new Offer(
            Map.of(new HardwareClass("good"), variant("good"), bad, variant("bad")), Set.of(bad));
    Plan plan = RolloutPlanner.plan(ID, List.of(100), fleet, offer);
    assertThat(plan.targets()).extracting(t -> t.device().value()).containsExactly("away", "fine");
    assertThat(plan.offline()).containsExactly(new DeviceId("away"));
    assertThat(plan.excluded())
        .isEqualTo(
            Map.of(
                new DeviceId("done"), Exclusion.ALREADY_SATISFIED,
                new DeviceId("gone"), Exclusion.REVOKED,
                new DeviceId("ill"), Exclusion.QUARANTINED,
                new DeviceId("odd"), Exclusion.NO_VARIANT));
  }

  @Test
  void the_model_that_an_unfinished_rollout_would_return_to_is_not_called_satisfied() {
    Candidate trying =
        candidate("trying", "good", Liveness.ONLINE, Optional.of(variant("newer")), false);
    Candidate returning =
        new Candidate(
            trying.device(),
            trying.liveness(),
            trying.wanted(),
            new RolloutTarget.Origin(2, Optional.of(variant("good"))));
    Plan plan = plan(List.of(100), List.of(returning));
    assertThat(plan.targets()).isEmpty();
    assertThat(plan.excluded())
        .containsExactly(
            Map.entry(new DeviceId("trying"), Exclusion.FALLBACK_OF_UNFINISHED_ROLLOUT));
  }

  @Test
  void refuses_waves_that_do_not_rise_to_100() {
    for (List<Integer> waves :
        List.of(List.<Integer>of(), List.of(50), List.of(50, 50, 100), List.of(0, 100))) {
      assertThatThrownBy(() -> plan(waves, candidates("a", 3)))
          .hasMessageContaining("strictly rising to 100");
    }
  }

  private static Plan plan(List<Integer> percents, List<Candidate> fleet) {
    return RolloutPlanner.plan(ID, percents, fleet, offer(fleet));
  }

  private static Offer offer(List<Candidate> fleet) {
    Map<HardwareClass, Digest> variants = new HashMap<>();
    for (Candidate candidate : fleet) {
      HardwareClass hardwareClass = candidate.device().hardwareClass();
      variants.put(hardwareClass, variant(hardwareClass.name()));
    }
    return new Offer(variants, Set.of());
  }

  private static List<Candidate> candidates(String hardwareClass, int count) {
    List<Candidate> candidates = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      candidates.add(
          candidate(
              hardwareClass + "-" + i, hardwareClass, Liveness.ONLINE, Optional.empty(), false));
    }
    return candidates;
  }

  private static Candidate candidate(
      String id,
      String hardwareClass,
      Liveness liveness,
      Optional<Digest> wanted,
      boolean revoked) {
    return new Candidate(
        new Device(new DeviceId(id), id, new HardwareClass(hardwareClass), revoked),
        liveness,
        wanted,
        new RolloutTarget.Origin(0, Optional.empty()));
  }

  private static Digest variant(String hardwareClass) {
    return Scene.digest("variant for " + hardwareClass);
  }
}
