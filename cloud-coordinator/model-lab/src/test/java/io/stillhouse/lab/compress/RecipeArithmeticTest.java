package io.stillhouse.lab.compress;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.lab.Progress;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.lab.teacher.TrainingPlan;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.recipe.Arithmetic;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeArithmeticTest {
  private static final long SEED = 31;
  private static final Dataset DATA =
      DataSpec.parse("builtin:fashion-mnist-12k").load().withFewer(64, 16);

  /** Trains nothing, and keeps what it was asked to compute with. */
  private record Listening(List<Arithmetic> asked) implements StudentTrainer {
    @Override
    public Network train(Network start, Network teacher, TrainingPlan plan, Progress progress) {
      asked.add(plan.descent().arithmetic());
      return start;
    }

    @Override
    public StudentTrainer on(Dataset other) {
      return this;
    }
  }

  private static List<Arithmetic> asked(String recipe) {
    List<Arithmetic> asked = new ArrayList<>();
    StoredModel teacher =
        Networks.stored(Networks.catalogue("resnet8", "1x28x28", 0.5, SEED), DATA, SEED);
    CompressionRecipe read = RecipeYaml.parse("r.yaml", recipe);
    new RecipeRun(new Listening(asked), DATA, teacher, SEED).run(read, Progress.none());
    return asked;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "distill: {student: separable_small, epochs: 1}",
        "redesign: {strategy: 'squeeze:4', epochs: 1}",
        "prune: {ratio: 0.3, epochs: 1}",
        "lowRank: {method: tucker2, macsKept: 0.6, epochs: 1}",
        "sparsify: {ratio: 0.5, epochs: 1}",
        "cluster: {bits: 4, epochs: 1}"
      })
  void every_step_trains_in_the_arithmetic_of_its_recipe(String step) {
    String steps = "steps:\n  - " + step + "\n";
    assertThat(asked("arithmetic: bf16\n" + steps)).containsExactly(Arithmetic.BF16);
    assertThat(asked(steps)).containsExactly(Arithmetic.FP32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"qat", "qatLearned"})
  void training_with_rounding_stays_exact(String mode) {
    String recipe =
        """
        arithmetic: bf16
        steps:
          - prune: {ratio: 0.3, epochs: 1}
          - quantize: {mode: %s, epochs: 1}
        """;
    assertThat(asked(recipe.formatted(mode))).containsExactly(Arithmetic.BF16, Arithmetic.FP32);
  }

  @Test
  void held_out_images_and_pictures_without_labels_change_no_arithmetic(@TempDir Path pictures)
      throws Exception {
    for (int i = 0; i < 20; i++) {
      BufferedImage picture = new BufferedImage(28, 28, BufferedImage.TYPE_BYTE_GRAY);
      picture.getRaster().setSample(i, i, 0, 200);
      ImageIO.write(picture, "png", Files.createFile(pictures.resolve(i + ".png")).toFile());
    }
    String recipe =
        """
        arithmetic: bf16
        steps:
          - distill: {student: separable_small, softLossWeight: 1, unlabelled: '%s', epochs: 1}
          - quantize: {accuracyDropMax: 0.9}
        """;
    assertThat(asked(recipe.formatted(pictures))).containsExactly(Arithmetic.BF16);
  }
}
