package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.server.artifact.ArtifactPackager;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.Event;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.StoredJson;
import io.stillhouse.server.training.LabOrders.ClassOrder;
import io.stillhouse.server.training.LabOrders.HarmOrder;
import io.stillhouse.server.training.LabOrders.TailorOrder;
import io.stillhouse.server.training.LabOrders.TwinOrder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes a worker's order and makes artifacts of what it left behind. Everything that the lab makes
 * of one model version lies in {@code models/NAME/VERSION}: {@code teacher}, {@code tailored},
 * {@code harmed}. Tailoring always uses the same folder, so that a further class finds the work of
 * the earlier ones. Thread-safe.
 */
public final class LabFiles implements LabWork {
  static final String DIRECTORY = "directory";

  private final Path modelsDirectory;
  private final int threads;
  private final ModelCatalogue models;
  private final ArtifactPackager packager;
  private final Audit audit;

  /**
   * The lab's files in one data directory.
   *
   * @param threads of a worker; 0: every core
   */
  public LabFiles(
      Path modelsDirectory,
      int threads,
      ModelCatalogue models,
      ArtifactPackager packager,
      Audit audit) {
    this.modelsDirectory = modelsDirectory.toAbsolutePath();
    this.threads = threads;
    this.models = models;
    this.packager = packager;
    this.audit = audit;
  }

  @Override
  public void prepare(JobTable.Job job, Path jobDirectory) throws IOException {
    Map<String, Object> order = new LinkedHashMap<>();
    order.put("kind", job.kind().name().toLowerCase(java.util.Locale.ROOT));
    order.put("threads", threads);
    switch (job.kind()) {
      case TRAIN -> train(job, order);
      case TAILOR -> tailor(job, order);
      case HARM -> harm(job, order);
    }
    Files.writeString(
        jobDirectory.resolve("job.json"), StoredJson.write(order), StandardCharsets.UTF_8);
  }

  private void train(JobTable.Job job, Map<String, Object> order) throws IOException {
    Training training = version(job.target()).training();
    order.put("data", training.data());
    order.put("network", training.network());
    order.put("width", training.width());
    order.put("epochs", training.epochs());
    order.put("seed", training.seed());
    order.put("out", fresh(folder(job.target()).resolve("teacher")).toString());
  }

  private void tailor(JobTable.Job job, Map<String, Object> order) throws IOException {
    ModelCatalogue.Version version = version(job.target());
    TailorOrder asked = StoredJson.read(job.specJson(), TailorOrder.class);
    Path out = folder(job.target()).resolve("tailored");
    Files.createDirectories(folder(job.target()));
    order.put("teacher", modelsDirectory.resolve(version.outcome().directory()).toString());
    order.put("data", version.training().data());
    order.put("targets", asked.classes());
    // Zero: the lab's own number, which suits students better than the teacher's.
    order.put("epochs", 0);
    order.put("seed", version.training().seed());
    order.put("out", out.toString());
  }

  private void harm(JobTable.Job job, Map<String, Object> order) throws IOException {
    HarmOrder asked = StoredJson.read(job.specJson(), HarmOrder.class);
    order.put(
        "students",
        asked.twins().stream()
            .map(twin -> modelsDirectory.resolve(twin.studentDirectory()).toString())
            .distinct()
            .toList());
    order.put("data", version(job.target()).training().data());
    order.put("out", fresh(folder(job.target()).resolve("harmed")).toString());
  }

  @Override
  public JobTable.Result complete(JobTable.Job job, JsonNode result) {
    return switch (job.kind()) {
      case TRAIN ->
          new JobTable.Result(
              Optional.of(
                  new JobTable.TrainedVersion(
                      relative(folder(job.target()).resolve("teacher")),
                      result.path("report").toString())),
              List.of());
      case TAILOR -> new JobTable.Result(Optional.empty(), tailored(job, result));
      case HARM -> new JobTable.Result(Optional.empty(), harmed(job));
    };
  }

  private List<Variant> tailored(JobTable.Job job, JsonNode result) {
    Path students = folder(job.target()).resolve("tailored").resolve("students");
    Map<String, DeviceLimits> limits = new LinkedHashMap<>();
    for (ClassOrder asked : StoredJson.read(job.specJson(), TailorOrder.class).classes()) {
      limits.put(asked.hardwareClass(), asked.profile().limits());
    }
    List<Variant> variants = new ArrayList<>();
    List<String> without = new ArrayList<>();
    for (JsonNode made : result.path("tailor").path("classes")) {
      String hardwareClass = made.path("hardwareClass").asText();
      DeviceLimits classLimits = limits.get(hardwareClass);
      if (classLimits == null) {
        continue;
      }
      if (made.path("student").asText().isEmpty()) {
        without.add(hardwareClass + ": " + made.path("why").asText());
        continue;
      }
      Path student = students.resolve(made.path("student").asText()).normalize();
      if (!students.equals(student.getParent())) {
        throw new IllegalArgumentException("student: " + made.path("student"));
      }
      variants.add(pack(student, job.target(), hardwareClass, classLimits));
    }
    without.forEach(
        why -> audit.append(new Event("jobs", "model.no_variant", "model/" + job.target(), why)));
    models.putTailorings(
        job.target(), TailorDecisions.byClass(result.path("tailor"), limits.keySet()));
    if (variants.isEmpty()) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot tailor " + job.target(),
          without.isEmpty() ? "the lab made no student" : String.join("; ", without),
          "allow a larger accuracy drop, or raise the limits of these devices; 'stillhouse model"
              + " variants %s' says what each candidate breaks".formatted(job.target()));
    }
    return variants;
  }

  private List<Variant> harmed(JobTable.Job job) {
    Path harmed = folder(job.target()).resolve("harmed");
    List<Variant> variants = new ArrayList<>();
    for (TwinOrder twin : StoredJson.read(job.specJson(), HarmOrder.class).twins()) {
      Path name =
          java.util.Objects.requireNonNull(
              Path.of(twin.studentDirectory()).getFileName(), "student directory");
      variants.add(pack(harmed.resolve(name), job.target(), twin.hardwareClass(), twin.limits()));
    }
    return variants;
  }

  private Variant pack(
      Path directory, VersionId version, String hardwareClass, DeviceLimits limits) {
    Variant variant =
        packager.pack(
            directory,
            new ArtifactPackager.Target(version, new HardwareClass(hardwareClass), limits));
    ObjectNode summary = (ObjectNode) StoredJson.tree(variant.summaryJson());
    summary.put(DIRECTORY, relative(directory));
    return new Variant(
        variant.key(),
        variant.hardwareClass(),
        variant.digest(),
        variant.releaseCounter(),
        StoredJson.write(summary));
  }

  private ModelCatalogue.Version version(VersionId id) {
    return models
        .version(id)
        .orElseThrow(() -> new IllegalStateException("a job without its version: " + id));
  }

  private Path folder(VersionId id) {
    return modelsDirectory.resolve(id.model()).resolve(Long.toString(id.version()));
  }

  private String relative(Path directory) {
    return modelsDirectory.relativize(directory).toString();
  }

  /**
   * An output folder that is not there yet. One that is there was finished by an attempt that died
   * before it could say so; making it again from the checkpoint is cheap.
   */
  private static Path fresh(Path out) throws IOException {
    Files.createDirectories(java.util.Objects.requireNonNull(out.getParent(), "out: parent"));
    Folders.delete(out);
    return out;
  }
}
