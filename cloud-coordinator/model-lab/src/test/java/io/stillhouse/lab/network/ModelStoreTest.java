package io.stillhouse.lab.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.testing.Networks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelStoreTest {
  @TempDir Path folder;

  @Test
  void a_model_comes_back_as_it_was_written() throws IOException {
    StoredModel model = model();
    Path out = folder.resolve("model");
    save(model, out);
    StoredModel back = ModelStore.read(out);
    assertThat(back.network().graph()).isEqualTo(model.network().graph());
    assertThat(back.labels()).isEqualTo(model.labels());
    assertThat(back.preprocessing()).isEqualTo(model.preprocessing());
    assertThat(back.provenance()).isEqualTo(model.provenance());
    assertThat(back.network().weights().names())
        .containsExactlyElementsOf(model.network().weights().names());
    for (String name : model.network().weights().names()) {
      assertThat(back.network().weights().values(name))
          .isEqualTo(model.network().weights().values(name));
    }
    assertThat(folder.resolve("model.partial")).doesNotExist();
  }

  @Test
  void an_output_that_holds_something_is_refused_and_a_failed_one_leaves_nothing()
      throws IOException {
    Path taken = Files.createDirectories(folder.resolve("taken"));
    Files.writeString(taken.resolve("mine"), "x");
    assertThatThrownBy(() -> PartialFolder.open(taken)).isInstanceOf(LabException.class);
    Path out = folder.resolve("out");
    try (PartialFolder partial = PartialFolder.open(out)) {
      Files.writeString(partial.path().resolve("half"), "x");
    }
    assertThat(folder.resolve("out")).doesNotExist();
    assertThat(folder.resolve("out.partial")).doesNotExist();
  }

  @Test
  void damaged_weights_are_refused_and_never_crash() throws IOException {
    Path out = folder.resolve("model");
    save(model(), out);
    byte[] whole = Files.readAllBytes(out.resolve(ModelStore.WEIGHTS));
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      byte[] bad = whole.clone();
      for (int i = 0; i < 4; i++) {
        bad[random.nextInt(Math.min(bad.length, 600))] ^= (byte) (1 << random.nextInt(8));
      }
      if (seed % 3 == 0) {
        bad = Arrays.copyOf(bad, random.nextInt(bad.length));
      }
      Files.write(out.resolve(ModelStore.WEIGHTS), bad);
      try {
        ModelStore.read(out);
      } catch (LabException e) {
        assertThat(String.valueOf(e.getMessage()).lines()).as("seed %d", seed).hasSize(1);
      }
    }
    byte[] undefined = whole.clone();
    Arrays.fill(undefined, undefined.length - 4, undefined.length, (byte) 0xff);
    Files.write(out.resolve(ModelStore.WEIGHTS), undefined);
    assertThatThrownBy(() -> ModelStore.read(out))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("holds a value that is not a finite number");
    Files.writeString(out.resolve(ModelStore.MODEL_JSON), "{\"graph\": {\"nodes\": [1]}}");
    assertThatThrownBy(() -> ModelStore.read(out)).isInstanceOf(LabException.class);
    assertThatThrownBy(() -> ModelStore.read(folder.resolve("none")))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("model.json");
  }

  private static StoredModel model() {
    return new StoredModel(
        Networks.everyLayer(3),
        List.of("a", "b", "c", "d", "e"),
        new Preprocessing(List.of(0.1f, 0.2f, 0.3f), List.of(1f, 0.5f, 0.25f)),
        new Provenance("", "ab", Map.of("epochs", 3), 7, Map.of("engine", "x")));
  }

  private static void save(StoredModel model, Path out) throws IOException {
    try (PartialFolder partial = PartialFolder.open(out)) {
      ModelStore.write(partial.path(), model);
      partial.commit();
    }
  }
}
