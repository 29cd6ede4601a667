package io.stillhouse.lab.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.lab.LabSettings;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class NativeScopeTest {
  static {
    TensorRuntime.start(1, LabSettings.defaults().nativeCacheDir());
  }

  private static Tensor number(double value) {
    return torch.full(new long[] {1}, new Scalar(value));
  }

  @Test
  void what_a_layer_computes_on_the_way_is_freed_with_the_layer() {
    List<Tensor> made = new ArrayList<>();
    NativeScope.run(
        () -> {
          Tensor result =
              NativeScope.keepingResult(
                  () -> {
                    made.add(number(3));
                    made.add(made.get(0).add(number(4)));
                    return made.get(1);
                  });
          assertThat(made.get(0).isNull()).isTrue();
          assertThat(result.item_float()).isEqualTo(7);
          return result;
        });
    assertThat(made.get(1).isNull()).isTrue();
  }

  @Test
  void a_layer_that_passes_on_what_it_got_frees_nothing() {
    NativeScope.run(
        () -> {
          Tensor given = number(5);
          Tensor same = NativeScope.keepingResult(() -> given);
          assertThat(same.item_float()).isEqualTo(5);
          return same;
        });
  }

  @Test
  void a_bound_leaves_a_tenth_of_the_memory_and_is_none_where_that_is_unknown() {
    assertThat(MemoryBound.of(10_000_000_000L)).hasValue(9_000_000_000L);
    assertThat(MemoryBound.of(0)).isEmpty();
  }
}
