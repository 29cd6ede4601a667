package io.stillhouse.lab.tailor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.model.profile.Board;
import io.stillhouse.model.profile.CpuArch;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClassTargetTest {
  private static final HardwareProfile PROFILE =
      new HardwareProfile(
          new Board("sim", CpuArch.X86_64, List.of(), 1, new Board.Capacity(1, 1, List.of())),
          new DeviceLimits(1, 0, 0, Duration.ZERO, true),
          List.of(),
          "1.28.0");

  @Test
  void a_student_at_the_bound_is_within_it_and_one_image_more_is_not() {
    int images = 2_000;
    for (int lost = 0; lost <= 60; lost += 20) {
      ClassTarget target =
          new ClassTarget(PROFILE.hardwareClass(), PROFILE, (double) lost / images);
      for (int right = lost + 1; right <= images; right++) {
        double teacher = (double) right / images;
        assertThat(target.tolerates(teacher - (double) (right - lost) / images)).isTrue();
        assertThat(target.tolerates(teacher - (double) (right - lost - 1) / images)).isFalse();
      }
    }
  }
}
