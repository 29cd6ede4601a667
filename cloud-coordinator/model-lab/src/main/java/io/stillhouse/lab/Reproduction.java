package io.stillhouse.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.compress.RecipeYaml;
import io.stillhouse.lab.compress.StudentFolder;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.evaluate.Evaluator;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Provenance;
import io.stillhouse.model.Digest;
import io.stillhouse.model.recipe.CompressionRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Makes a student again from what its folder says of its origin, and compares. */
public final class Reproduction {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NOT_RECORDED = "not recorded";

  private Reproduction() {}

  /**
   * Where inputs lie now; what is absent lies where it lay.
   *
   * @param teacher the first, which the student was made of
   * @param furtherTeachers all that the recipe names, in its order, or none of them
   * @param unlabelled the folder of pictures without labels
   */
  public record Places(
      Optional<Path> teacher,
      Optional<DataSpec> data,
      List<Path> furtherTeachers,
      Optional<Path> unlabelled) {
    /** Everything where it lay. */
    public static final Places AS_RECORDED =
        new Places(Optional.empty(), Optional.empty(), List.of(), Optional.empty());

    public Places {
      furtherTeachers = List.copyOf(furtherTeachers);
    }
  }

  /**
   * A request that should give the same student.
   *
   * @param student a folder that {@link ModelLab#compress} made
   * @throws LabException when the folder does not say how it was made, or an input is another than
   *     it was, as far as the folder says; folders of earlier versions do not know the digests of
   *     what a recipe names
   */
  public static CompressRequest request(Path student, Places places, Path out) {
    Provenance provenance = ModelStore.read(student).provenance();
    if (!(provenance.recipe().get(StudentMaking.RECIPE_TEXT) instanceof String text)) {
      throw new LabException(
          "model " + student,
          "it does not say by which recipe it was made",
          "Only students can be reproduced, a teacher is trained with 'lab train'");
    }
    JsonNode origin = origin(student);
    Path teacher =
        places
            .teacher()
            .orElseGet(() -> Path.of(origin.path(StudentMaking.ORIGIN_TEACHER).asText()));
    requireFolder("teacher " + teacher, teacher, "Name the right folder with --teacher");
    requireSame(
        "teacher " + teacher,
        ModelStore.weightsDigest(teacher).sha256Hex(),
        provenance.teacherSha256(),
        "Name the right folder with --teacher");
    DataSpec spec =
        places
            .data()
            .orElseGet(() -> DataSpec.parse(origin.path(StudentMaking.ORIGIN_DATA).asText()));
    if (spec.kind() != DataSpec.Kind.BUILTIN) {
      requireFolder("data " + spec, Path.of(spec.place()), "Name the right data with --data");
    }
    // Read twice rather than found out after hours of training.
    Dataset data = spec.load();
    requireSame(
        "data " + spec,
        data.digest().sha256Hex(),
        provenance.datasetSha256(),
        "Name the right data with --data");
    CompressionRecipe recipe = recipe(student, text);
    RecipeInputs inputs = inputs(RecipeInputs.of(recipe), places, origin);
    requireSameInputs(inputs, data, provenance);
    return new CompressRequest(
        teacher,
        inputs.into(recipe),
        spec,
        out,
        Math.max(1, origin.path(StudentMaking.ORIGIN_THREADS).asInt(1)));
  }

  /** What the recipe names, where it lies now. */
  private static RecipeInputs inputs(RecipeInputs named, Places places, JsonNode origin) {
    int given = places.furtherTeachers().size();
    if (given > 0 && given != named.teachers().size()) {
      throw LabException.ofArgument(
          "further teachers",
          "%d are given, the recipe names %d".formatted(given, named.teachers().size()),
          "Give --further-teacher once for each, in the recipe's order");
    }
    if (places.unlabelled().isPresent() && named.unlabelled().isEmpty()) {
      throw LabException.ofArgument(
          "unlabelled pictures", "the recipe names none", "Leave out --unlabelled");
    }
    // The recipe's own text may be of another working directory; the origin's places are of none.
    List<Path> teachers = new ArrayList<>();
    for (int i = 0; i < named.teachers().size(); i++) {
      teachers.add(
          given > 0
              ? places.furtherTeachers().get(i)
              : recorded(origin, RecipeInputs.teacher(i), named.teachers().get(i)));
    }
    return new RecipeInputs(
        teachers,
        places
            .unlabelled()
            .or(
                () ->
                    named
                        .unlabelled()
                        .map(folder -> recorded(origin, RecipeInputs.UNLABELLED, folder))));
  }

  private static Path recorded(JsonNode origin, String name, Path otherwise) {
    return origin.hasNonNull(name) ? Path.of(origin.path(name).asText()) : otherwise;
  }

  private static void requireSameInputs(RecipeInputs inputs, Dataset data, Provenance provenance) {
    Map<String, Path> places = inputs.places();
    places.forEach(
        (name, place) -> requireFolder(name + " " + place, place, RecipeInputs.remedy(name)));
    if (provenance.recipe().get(StudentMaking.RECIPE_INPUTS) instanceof Map<?, ?> then) {
      inputs
          .digests(data)
          .forEach(
              (name, now) -> {
                if (then.get(name) instanceof String digest) {
                  requireSame(
                      name + " " + places.get(name), now, digest, RecipeInputs.remedy(name));
                }
              });
    }
  }

  private static void requireFolder(String what, Path folder, String remedy) {
    if (!Files.isDirectory(folder)) {
      throw new LabException(what, "there is no such folder", remedy);
    }
  }

  private static void requireSame(String what, String now, String then, String remedy) {
    if (!now.equals(then)) {
      throw new LabException(
          what, "its content has digest %.12s now, and had %.12s".formatted(now, then), remedy);
    }
  }

  private static CompressionRecipe recipe(Path student, String text) {
    try {
      return RecipeYaml.parse(student.resolve(ModelStore.MODEL_JSON).toString(), text);
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "model " + student,
          "its recipe cannot be read: " + e.getMessage(),
          "The folder was changed; use the one that the lab wrote",
          e);
    }
  }

  private static JsonNode origin(Path student) {
    try {
      return JSON.readTree(Files.readAllBytes(student.resolve(StudentFolder.REPORT)))
          .path("origin");
    } catch (IOException e) {
      throw new LabException(
          "model " + student,
          "its report cannot be read: " + e.getMessage(),
          "Name a folder that the lab made",
          e);
    }
  }

  /**
   * How the copy came out.
   *
   * @param files whether those that matter are the same bytes, by name
   * @param tools those of other versions than the student was made with, by name
   */
  public record Comparison(Map<String, Boolean> files, Map<String, Change> tools) {
    /** A tool's version; {@code not recorded} where a folder does not know it. */
    public record Change(String then, String now) {}

    public Comparison {
      files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
      tools = Collections.unmodifiableMap(new LinkedHashMap<>(tools));
    }

    public boolean same() {
      return !files.containsValue(false);
    }
  }

  /** Compares a student with what was made of its request. */
  public static Comparison compare(Path student, Path copy) {
    Map<String, Boolean> files = new LinkedHashMap<>();
    for (String file : new String[] {Evaluator.MODEL_ONNX, ModelStore.WEIGHTS}) {
      files.put(file, digest(student.resolve(file)).equals(digest(copy.resolve(file))));
    }
    Map<String, String> then = ModelStore.read(student).provenance().tools();
    Map<String, String> now = ModelStore.read(copy).provenance().tools();
    TreeSet<String> names = new TreeSet<>(then.keySet());
    names.addAll(now.keySet());
    Map<String, Comparison.Change> tools = new LinkedHashMap<>();
    for (String name : names) {
      Comparison.Change change =
          new Comparison.Change(
              then.getOrDefault(name, NOT_RECORDED), now.getOrDefault(name, NOT_RECORDED));
      if (!change.then().equals(change.now())) {
        tools.put(name, change);
      }
    }
    return new Comparison(files, tools);
  }

  private static Digest digest(Path file) {
    try {
      return Digest.ofFile(file);
    } catch (IOException e) {
      throw new LabException(
          "file " + file, "it cannot be read: " + e.getMessage(), "Check the folder", e);
    }
  }
}
