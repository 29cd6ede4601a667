package io.stillhouse.lab.tailor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class TailorPlanTest {
  @Test
  void students_see_few_images_more_often() {
    TailorPlan plan = TailorPlan.standard(7);
    assertThat(plan.epochsFor(60_000)).isEqualTo(new TailorPlan.Epochs(9, 3));
    assertThat(plan.epochsFor(10_000)).isEqualTo(new TailorPlan.Epochs(9, 3));
    assertThat(plan.epochsFor(300)).isEqualTo(new TailorPlan.Epochs(50, 13));
    assertThat(plan.epochsFor(1)).isEqualTo(new TailorPlan.Epochs(200, 200));
  }

  @Test
  void what_was_asked_for_is_kept() {
    TailorPlan.Epochs asked = new TailorPlan.Epochs(1, 0);
    TailorPlan usual = TailorPlan.standard(7);
    assertThat(
            new TailorPlan(7, Optional.of(asked), usual.calibration(), usual.space())
                .epochsFor(300))
        .isEqualTo(asked);
    assertThatThrownBy(() -> new TailorPlan.Epochs(0, 1)).hasMessageContaining("distill >= 1");
  }
}
