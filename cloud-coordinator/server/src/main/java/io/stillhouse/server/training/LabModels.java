package io.stillhouse.server.training;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.profile.DeviceLimits;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.model.profile.Probe;
import io.stillhouse.server.artifact.ArtifactStore;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.DeviceTable.Enrolled;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.storage.ModelCatalogue;
import io.stillhouse.server.storage.ModelCatalogue.Training;
import io.stillhouse.server.storage.ModelCatalogue.Variant;
import io.stillhouse.server.storage.ModelCatalogue.Version;
import io.stillhouse.server.storage.ModelCatalogue.VersionId;
import io.stillhouse.server.storage.ModelCatalogue.VersionState;
import io.stillhouse.server.storage.StoredJson;
import io.stillhouse.server.training.LabOrders.ClassOrder;
import io.stillhouse.server.training.LabOrders.HarmOrder;
import io.stillhouse.server.training.LabOrders.TailorOrder;
import io.stillhouse.server.training.LabOrders.TwinOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Models as operators see them; what is wrong with a request is said before it becomes a job. */
public final class LabModels implements ModelService {
  private static final String NAME = "[a-z0-9][a-z0-9-]{0,62}";
  private static final String NETWORK_DEFAULT = "resnet8";
  private static final double ACCURACY_DROP_DEFAULT = 0.02;
  private static final long SEED_DEFAULT = 7;
  private static final int EPOCHS_MAX = 2_000;
  private static final int DATA_CHARS_MAX = 1_000;

  private final JobTable jobs;
  private final ModelCatalogue models;
  private final DeviceTable devices;
  private final ArtifactStore artifacts;

  public LabModels(
      JobTable jobs, ModelCatalogue models, DeviceTable devices, ArtifactStore artifacts) {
    this.jobs = jobs;
    this.models = models;
    this.devices = devices;
    this.artifacts = artifacts;
  }

  @Override
  public VersionAccepted train(TrainRequest request) {
    if (!request.name().matches(NAME)) {
      throw refused("train a model", "name '%s' (expected: %s)".formatted(request.name(), NAME));
    }
    Training training =
        new Training(
            data(request.data()),
            request.network().orElse(NETWORK_DEFAULT),
            request.width().orElse(1.0),
            request.epochs().orElse(0),
            request.seed().orElse(SEED_DEFAULT));
    check(training);
    JobTable.Job job =
        jobs.submitVersion(
            JobTable.Kind.TRAIN, request.name(), training, OptionalLong.empty(), id -> "{}");
    return accepted(job);
  }

  private static void check(Training training) {
    try {
      NetworkCatalog.Entry entry = NetworkCatalog.entry(training.network());
      var unused =
          NetworkCatalog.build(
              training.network(), entry.input(), entry.classes(), training.width());
    } catch (IllegalArgumentException e) {
      throw refused("train a model", Optional.ofNullable(e.getMessage()).orElse("bad network"));
    }
    if (training.epochs() < 0 || training.epochs() > EPOCHS_MAX) {
      throw refused(
          "train a model",
          "epochs: %d (expected: 1 to %d, or 0 for the lab's own number)"
              .formatted(training.epochs(), EPOCHS_MAX));
    }
  }

  private static String data(String spec) {
    if (spec.length() > DATA_CHARS_MAX) {
      throw refused("train a model", "data: longer than " + DATA_CHARS_MAX + " characters");
    }
    try {
      DataSpec data = DataSpec.parse(spec);
      if (data.kind() != DataSpec.Kind.BUILTIN && !Path.of(data.place()).isAbsolute()) {
        throw refused(
            "train a model",
            "data: '%s' is a relative path (expected: an absolute one on the coordinator)"
                .formatted(spec));
      }
      return data.toString();
    } catch (LabException e) {
      throw new CoordinatorException(ErrorCategory.INVALID, e.what(), e.why(), e.fix(), e);
    }
  }

  @Override
  public List<ModelView> list() {
    return models.models().stream().map(this::view).toList();
  }

  @Override
  public ModelView show(String model) {
    ModelView view = view(model);
    if (view.versions().isEmpty()) {
      throw new CoordinatorException(
          ErrorCategory.NOT_FOUND,
          "cannot find model " + model,
          "no such model",
          "list the models");
    }
    return view;
  }

  private ModelView view(String model) {
    return new ModelView(model, models.versions(model).stream().map(this::view).toList());
  }

  private VersionView view(Version version) {
    String report = version.outcome().reportJson();
    return new VersionView(
        version.key().version(),
        version.state().name(),
        version.rehearsalOf(),
        version.training().data(),
        version.training().network(),
        version.training().width(),
        version.training().epochs(),
        version.training().seed(),
        version.outcome().createdAt().toString(),
        models.variants(version.key()).size(),
        report.isEmpty() ? Optional.empty() : Optional.of(StoredJson.tree(report)));
  }

  @Override
  public JobAccepted tailor(String model, long version, TailorRequest request) {
    VersionId id = new VersionId(model, version);
    Version known = ready(id, "tailor");
    if (known.rehearsalOf().isPresent() || known.outcome().directory().isEmpty()) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot tailor " + id,
          "it is a rehearsal and has no teacher of its own",
          "tailor the version that it was made of");
    }
    double dropMax = request.accuracyDropMax().orElse(ACCURACY_DROP_DEFAULT);
    if (!(dropMax >= 0 && dropMax <= 1)) {
      throw refused("tailor " + id, "accuracyDropMax: " + dropMax + " (expected: 0 to 1)");
    }
    Map<String, HardwareProfile> slowest = slowestOfEachClass();
    List<ClassOrder> orders = new ArrayList<>();
    for (String name : request.hardwareClasses().orElse(List.copyOf(slowest.keySet()))) {
      HardwareProfile profile = slowest.get(name);
      if (profile == null) {
        throw refused("tailor " + id, "no enrolled device is of class '" + name + "'");
      }
      orders.add(new ClassOrder(name, profile, dropMax));
    }
    if (orders.isEmpty()) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot tailor " + id,
          "no device is enrolled, so there is no hardware class to tailor for",
          "enrol a device first");
    }
    JobTable.Job job =
        jobs.submit(JobTable.Kind.TAILOR, id, StoredJson.write(new TailorOrder(orders)));
    return new JobAccepted(Long.toString(job.id()));
  }

  /** A class's artifact must keep its budget on the slowest of its devices. */
  private Map<String, HardwareProfile> slowestOfEachClass() {
    Map<String, HardwareProfile> slowest = new TreeMap<>();
    for (Enrolled enrolled : devices.all()) {
      if (!enrolled.device().revoked()) {
        slowest.merge(
            enrolled.device().hardwareClass().name(),
            enrolled.profile(),
            (a, b) -> probeMicros(b) > probeMicros(a) ? b : a);
      }
    }
    return slowest;
  }

  private static double probeMicros(HardwareProfile profile) {
    return profile.probes().stream().mapToDouble(Probe::p50Micros).sum();
  }

  @Override
  public VersionAccepted rehearseHarm(String model, long version) {
    VersionId id = new VersionId(model, version);
    Version known = ready(id, "rehearse harm with");
    List<TwinOrder> twins = models.variants(id).stream().map(this::twin).toList();
    if (twins.isEmpty() || known.rehearsalOf().isPresent()) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot rehearse harm with " + id,
          twins.isEmpty() ? "it has no variants" : "it is a rehearsal already",
          "name a version that is tailored");
    }
    JobTable.Job job =
        jobs.submitVersion(
            JobTable.Kind.HARM,
            model,
            known.training(),
            OptionalLong.of(version),
            harmed -> StoredJson.write(new HarmOrder(twins)));
    return accepted(job);
  }

  private TwinOrder twin(Variant variant) {
    DeviceLimits limits =
        artifacts
            .limits(variant.digest())
            .orElseThrow(
                () ->
                    new CoordinatorException(
                        ErrorCategory.UNAVAILABLE,
                        "cannot read artifact " + variant.digest().shortForm(),
                        "it is not in the store",
                        "tailor " + variant.key() + " again"));
    return new TwinOrder(
        variant.hardwareClass(),
        StoredJson.tree(variant.summaryJson()).path(LabFiles.DIRECTORY).asText(),
        limits);
  }

  @Override
  public List<VariantView> variants(String model, long version) {
    VersionId id = new VersionId(model, version);
    known(id);
    return models.variants(id).stream().map(LabModels::view).toList();
  }

  @Override
  public List<TailoringView> tailoring(String model, long version) {
    VersionId id = new VersionId(model, version);
    known(id);
    return models.tailorings(id).stream()
        .map(
            kept ->
                StoredJson.read(kept.decisionsJson(), TailorDecisions.class)
                    .view(kept.hardwareClass(), kept.at()))
        .toList();
  }

  private static VariantView view(Variant variant) {
    JsonNode summary = StoredJson.tree(variant.summaryJson());
    return new VariantView(
        variant.hardwareClass(),
        variant.digest().sha256Hex(),
        variant.releaseCounter(),
        summary.path("network").asText(),
        summary.path("precision").asText(),
        summary.path("fileBytes").asLong(),
        summary.path("evaluation"));
  }

  private Version ready(VersionId id, String what) {
    Version known = known(id);
    if (known.state() != VersionState.READY) {
      throw new CoordinatorException(
          ErrorCategory.CONFLICT,
          "cannot " + what + " " + id,
          "it is " + known.state() + ", not READY",
          known.state() == VersionState.TRAINING ? "wait for its job" : "train it again");
    }
    return known;
  }

  private Version known(VersionId id) {
    return models
        .version(id)
        .orElseThrow(
            () ->
                new CoordinatorException(
                    ErrorCategory.NOT_FOUND,
                    "cannot find " + id,
                    "no such model version",
                    "list the models"));
  }

  private static VersionAccepted accepted(JobTable.Job job) {
    return new VersionAccepted(
        job.target().model(), job.target().version(), Long.toString(job.id()));
  }

  private static CoordinatorException refused(String what, String why) {
    return new CoordinatorException(
        ErrorCategory.INVALID, "cannot " + what, why, "correct the request");
  }
}
