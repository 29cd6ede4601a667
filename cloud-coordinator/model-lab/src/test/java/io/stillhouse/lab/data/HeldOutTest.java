package io.stillhouse.lab.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.graph.ImageShape;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

class HeldOutTest {
  private static final int COUNT = 200;
  private static final int CLASSES = 10;

  /** Images of one pixel, which is the image's place. */
  private static Dataset data(IntUnaryOperator label) {
    byte[] pixels = new byte[COUNT];
    int[] labels = new int[COUNT];
    for (int i = 0; i < COUNT; i++) {
      pixels[i] = (byte) i;
      labels[i] = label.applyAsInt(i);
    }
    Images images = Images.of(new ImageShape(1, 1, 1), pixels, labels);
    List<String> names = List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
    return Dataset.of(DataSpec.Kind.IDX, images, images.first(5), names);
  }

  private static Set<Integer> places(Images images, IntUnaryOperator label) {
    Set<Integer> places = new TreeSet<>();
    for (int i = 0; i < images.count(); i++) {
      int place = images.pixel(i, 0, 0, 0);
      assertThat(images.label(i)).isEqualTo(label.applyAsInt(place));
      places.add(place);
    }
    return places;
  }

  @Test
  void both_parts_together_are_the_whole_and_share_nothing() {
    IntUnaryOperator turn = place -> place % CLASSES;
    Dataset whole = data(turn);
    Dataset.Parted parts = whole.holdOut(40, 1);
    Set<Integer> held = places(parts.held(), turn);
    Set<Integer> rest = places(parts.rest().train(), turn);
    assertThat(held).hasSize(40).doesNotContainAnyElementsOf(rest);
    assertThat(rest).hasSize(160);
    assertThat(parts.rest().test()).isSameAs(whole.test());
    // Checkpoints are named by it: training on a part is another training.
    assertThat(parts.rest().digest()).isNotEqualTo(whole.digest());
    assertThat(places(whole.holdOut(40, 1).held(), turn)).isEqualTo(held);
    assertThat(places(whole.holdOut(40, 2).held(), turn)).isNotEqualTo(held);
  }

  @Test
  void no_class_is_lost_whether_classes_come_in_blocks_or_in_turn() {
    for (IntUnaryOperator label :
        List.<IntUnaryOperator>of(place -> place * CLASSES / COUNT, place -> place % CLASSES)) {
      Images held = data(label).holdOut(40, 1).held();
      Set<Integer> classes = new TreeSet<>();
      for (int i = 0; i < held.count(); i++) {
        classes.add(held.label(i));
      }
      assertThat(classes).hasSize(CLASSES);
    }
  }

  @Test
  void none_or_more_than_there_are_cannot_be_held_out() {
    Dataset data = data(place -> 0);
    assertThatThrownBy(() -> data.holdOut(0, 1))
        .hasMessage("images to hold out: 0 (expected: 1 to 200)");
    assertThatThrownBy(() -> data.holdOut(201, 1))
        .hasMessage("images to hold out: 201 (expected: 1 to 200)");
  }
}
