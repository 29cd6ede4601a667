package io.stillhouse.lab.teacher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.model.graph.ImageShape;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** On one picture of two channels, none of whose pixels becomes zero. */
class AugmentationTest {
  private static final ImageShape SHAPE = new ImageShape(2, 6, 7);
  private static final int PIXELS = 6 * 7;
  private static final Preprocessing SCALING = new Preprocessing(List.of(0f, 0f), List.of(1f, 1f));

  @Test
  void nothing_asked_is_nothing_changed_and_nothing_drawn() {
    Random random = new Random(3);
    float[] input = shown(new TrainingPlan.Views(0, false, 0), random);
    for (int i = 0; i < input.length; i++) {
      assertThat(input[i] * 255).isCloseTo(i + 1f, within(1e-4f));
    }
    assertThat(random.nextLong()).isEqualTo(new Random(3).nextLong());
  }

  @Test
  void a_square_is_hidden_at_the_same_place_of_every_channel_and_may_reach_over_the_edge() {
    float[] whole = shown(new TrainingPlan.Views(0, false, 0), new Random(1));
    TreeSet<Integer> sizes = new TreeSet<>();
    Random random = new Random(2);
    for (int round = 0; round < 200; round++) {
      float[] input = shown(new TrainingPlan.Views(0, false, 3), random);
      int hidden = 0;
      for (int i = 0; i < PIXELS; i++) {
        boolean first = input[i] == 0;
        assertThat(input[PIXELS + i] == 0).isEqualTo(first);
        assertThat(input[i]).isIn(0f, whole[i]);
        hidden += first ? 1 : 0;
      }
      sizes.add(hidden);
    }
    // A corner, an edge, the middle; never nothing.
    assertThat(sizes).containsExactly(4, 6, 9);
  }

  @Test
  void equal_generators_give_equal_views() {
    TrainingPlan.Views all = new TrainingPlan.Views(2, true, 4);
    assertThat(shown(all, new Random(9))).isEqualTo(shown(all, new Random(9)));
  }

  private static float[] shown(TrainingPlan.Views views, Random random) {
    byte[] bytes = new byte[2 * PIXELS];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i + 1);
    }
    float[] input = new float[bytes.length + 2];
    Arrays.fill(input, -1);
    new Augmentation(Images.of(SHAPE, bytes, new int[1]), SCALING, views)
        .apply(0, random, input, 1);
    assertThat(input[0]).isEqualTo(-1);
    assertThat(input[input.length - 1]).isEqualTo(-1);
    return Arrays.copyOfRange(input, 1, input.length - 1);
  }
}
