package io.stillhouse.lab;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.UnlabelledPictures;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.model.Digest;
import io.stillhouse.model.recipe.Compression;
import io.stillhouse.model.recipe.Compression.Distill;
import io.stillhouse.model.recipe.CompressionRecipe;
import io.stillhouse.model.recipe.Lesson;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a recipe reads beside its first teacher and its data. Only distillation reads anything, and
 * it is the first step if it is one.
 *
 * @param teachers folders of further teachers, which provenance counts from 2
 * @param unlabelled a folder of pictures without labels
 */
record RecipeInputs(List<Path> teachers, Optional<Path> unlabelled) {
  static final String UNLABELLED = "unlabelled";

  RecipeInputs {
    teachers = List.copyOf(teachers);
  }

  static RecipeInputs of(CompressionRecipe recipe) {
    return recipe.steps().get(0) instanceof Distill distill
        ? new RecipeInputs(
            distill.lesson().teachers().stream().map(Path::of).toList(),
            distill.unlabelled().map(Path::of))
        : new RecipeInputs(List.of(), Optional.empty());
  }

  /** The name of a further teacher, counted from 0; the first teacher of all is not among them. */
  static String teacher(int further) {
    return "teacher" + (further + 2);
  }

  /** What to do when an input is another than it was. */
  static String remedy(String name) {
    return name.equals(UNLABELLED)
        ? "Name the right folder with --unlabelled"
        : "Name the right folders with --further-teacher";
  }

  /** The place of each as it is found from any folder. */
  Map<String, Path> places() {
    Map<String, Path> places = new LinkedHashMap<>();
    for (int i = 0; i < teachers.size(); i++) {
      places.put(teacher(i), absolute(teachers.get(i)));
    }
    unlabelled.ifPresent(folder -> places.put(UNLABELLED, absolute(folder)));
    return places;
  }

  /**
   * What each holds now, wherever it lies: a teacher's weights, the pixels of pictures as training
   * sees them.
   *
   * @param data whose shape pictures are brought to
   * @throws LabException when one cannot be read
   */
  Map<String, String> digests(Dataset data) {
    Map<String, String> digests = new LinkedHashMap<>();
    for (int i = 0; i < teachers.size(); i++) {
      digests.put(teacher(i), ModelStore.weightsDigest(teachers.get(i)).sha256Hex());
    }
    unlabelled.ifPresent(
        folder ->
            digests.put(UNLABELLED, pixels(UnlabelledPictures.instead(data, folder).train())));
    return digests;
  }

  /** The same recipe, reading from these places. */
  CompressionRecipe into(CompressionRecipe recipe) {
    if (!(recipe.steps().get(0) instanceof Distill distill)) {
      return recipe;
    }
    Lesson lesson = distill.lesson();
    List<Compression> steps = new ArrayList<>(recipe.steps());
    steps.set(
        0,
        new Distill(
            distill.student(),
            distill.width(),
            new Lesson(
                lesson.method(),
                lesson.temperature(),
                lesson.softLossWeight(),
                lesson.methodWeight(),
                teachers.stream().map(Path::toString).toList()),
            unlabelled.map(Path::toString),
            distill.epochs()));
    return recipe.withSteps(steps);
  }

  private static String pixels(Images pictures) {
    int each = Math.toIntExact(pictures.shape().elements());
    byte[] all = new byte[Math.multiplyExact(pictures.count(), each)];
    for (int i = 0; i < pictures.count(); i++) {
      pictures.copy(i, all, i * each);
    }
    String content = pictures.shape() + " " + Digest.of(all);
    return Digest.of(content.getBytes(StandardCharsets.UTF_8)).sha256Hex();
  }

  private static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }
}
