package io.stillhouse.server.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.model.Digest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.service.JobService.JobView;
import io.stillhouse.server.service.ModelService;
import io.stillhouse.server.service.ModelService.RejectionView;
import io.stillhouse.server.service.ModelService.TailorRequest;
import io.stillhouse.server.service.ModelService.TailoringView;
import io.stillhouse.server.service.ModelService.TrainRequest;
import io.stillhouse.server.service.ModelService.VariantView;
import io.stillhouse.server.service.ModelService.VersionAccepted;
import io.stillhouse.server.service.ModelService.VersionView;
import io.stillhouse.server.storage.Audit;
import io.stillhouse.server.storage.DeviceTable;
import io.stillhouse.server.storage.JobTable;
import io.stillhouse.server.testing.Eventually;
import io.stillhouse.server.testing.Fixtures;
import io.stillhouse.server.testing.TestCoordinator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a request through a real child process to signed variants; see {@link FakeLabMain}. */
class LabModelsTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @SuppressWarnings("NullAway.Init")
  private TestCoordinator coordinator;

  @SuppressWarnings("NullAway.Init")
  private LabSupervisor supervisor;

  @SuppressWarnings("NullAway.Init")
  ModelService models;

  @SuppressWarnings("NullAway.Init")
  private LabJobs jobs;

  @BeforeEach
  void open() {
    coordinator = new TestCoordinator(directory);
    JobTable table = new JobTable(coordinator.database, coordinator.clock, "me");
    jobs = new LabJobs(table);
    models = new LabModels(table, coordinator.models, coordinator.devices, coordinator.artifacts);
    supervisor =
        new LabSupervisor(
            table,
            coordinator.lease("lab"),
            new LabFiles(
                directory.resolve("models"),
                1,
                coordinator.models,
                coordinator.packager,
                new Audit(coordinator.database, coordinator.clock)),
            new LabSupervisor.WorkerPlace(
                workplace(), Duration.ofMinutes(10), directory.resolve("jobs")),
            System::nanoTime);
    supervisor.start();
  }

  /** Where this test's jobs are done: here, in a process of their own. */
  Workplace workplace() {
    return new WorkerProcess(
        new WorkerCommand(
            Path.of(System.getProperty("java.home"), "bin", "java"),
            System.getProperty("java.class.path"),
            FakeLabMain.class.getName(),
            new WorkerCommand.Limits(64, 256, Duration.ofMinutes(10))),
        System::nanoTime);
  }

  @AfterEach
  void close() {
    supervisor.close();
    coordinator.close();
  }

  @Test
  void a_model_is_trained_tailored_and_harmed() {
    enrol("small", 1);
    enrol("large", 4);
    VersionAccepted teacher = models.train(train("inspect", "builtin:fashion-mnist-12k"));
    assertThat(succeeded(teacher.jobId()).kind()).isEqualTo("train");
    VersionView trained = models.show("inspect").versions().get(0);
    assertThat(trained.state()).isEqualTo("READY");
    assertThat(trained.report().orElseThrow().toString()).contains("0.91");

    succeeded(models.tailor("inspect", 1, tailorAll()).jobId());
    List<VariantView> variants = models.variants("inspect", 1);
    assertThat(variants).hasSize(2).extracting(VariantView::fileBytes).containsOnly(2_000L);
    assertThat(coordinator.artifacts.manifest(new Digest(variants.get(0).digest()))).isPresent();

    List<TailoringView> decisions = models.tailoring("inspect", 1);
    assertThat(decisions)
        .hasSize(2)
        .allSatisfy(
            d -> {
              assertThat(d.student().orElseThrow()).isIn("k1", "k4");
              assertThat(d.rejected()).hasSize(TailorDecisions.REJECTED_MAX);
              assertThat(d.leftOut()).isEqualTo(70 - TailorDecisions.REJECTED_MAX);
              assertThat(d.rejected().get(0))
                  .isEqualTo(new RejectionView("c1", 1, 7, 9, "file 1 bytes"));
              assertThat(d.rejected().get(1).reason()).hasSize(300);
            });

    VersionAccepted harmed = models.rehearseHarm("inspect", 1);
    assertThat(harmed.version()).isEqualTo(2);
    succeeded(harmed.jobId());
    VersionView rehearsal = models.show("inspect").versions().get(1);
    assertThat(rehearsal.rehearsalOf()).hasValue(1);
    assertThat(models.variants("inspect", 2))
        .hasSize(2)
        .allSatisfy(v -> assertThat(v.fileBytes()).isEqualTo(3_000));
    assertThat(models.variants("inspect", 2).get(0).releaseCounter())
        .isGreaterThan(variants.get(1).releaseCounter());
    assertThatThrownBy(() -> models.rehearseHarm("inspect", 2))
        .hasMessageContaining("rehearsal already");
    assertThatThrownBy(() -> models.tailor("inspect", 2, tailorAll()))
        .hasMessageContaining("no teacher of its own");
  }

  @Test
  void a_class_that_no_candidate_fits_is_named_and_the_others_get_theirs() {
    enrol("small", 1);
    enrol("huge", 16);
    succeeded(models.train(train("inspect", "builtin:fashion-mnist-12k")).jobId());
    succeeded(models.tailor("inspect", 1, tailorAll()).jobId());
    assertThat(models.variants("inspect", 1)).hasSize(1);
    assertThat(new Audit(coordinator.database, coordinator.clock).latest(10))
        .anySatisfy(
            entry -> {
              assertThat(entry.kind()).isEqualTo("model.no_variant");
              assertThat(entry.detail()).contains("t16").contains("no candidate fits");
            });
    String only = Fixtures.profile(16).hardwareClass().name();
    String job =
        models
            .tailor(
                "inspect", 1, new TailorRequest(OptionalDouble.empty(), Optional.of(List.of(only))))
            .jobId();
    assertThat(ended(job).error())
        .contains("cannot tailor inspect@1", "larger accuracy", "model variants inspect@1");
    assertThat(models.tailoring("inspect", 1))
        .as("a job that made nothing still says why")
        .filteredOn(d -> d.hardwareClass().equals(only))
        .singleElement()
        .satisfies(
            d -> {
              assertThat(d.student()).isEmpty();
              assertThat(d.rejected()).isNotEmpty();
            });
  }

  @Test
  void requests_that_cannot_work_never_become_jobs() {
    assertThatThrownBy(() -> models.train(train("No Good", "builtin:fashion-mnist-12k")))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("name 'No Good'");
    assertThatThrownBy(() -> models.train(train("a", "magic:x")))
        .hasMessageContaining("kind magic is unknown");
    assertThatThrownBy(() -> models.train(train("a", "images:photos")))
        .hasMessageContaining("relative path");
    assertThatThrownBy(() -> models.tailor("a", 1, tailorAll()))
        .hasMessageContaining("cannot find a@1");
    assertThat(jobs.list()).isEmpty();
    assertThatThrownBy(() -> jobs.show("x")).hasMessageContaining("job x");
    succeeded(models.train(train("inspect", "builtin:fashion-mnist-12k")).jobId());
    assertThatThrownBy(() -> models.tailor("inspect", 1, tailorAll()))
        .hasMessageContaining("no device is enrolled");
  }

  static TrainRequest train(String name, String data) {
    return new TrainRequest(
        name,
        data,
        Optional.empty(),
        OptionalDouble.empty(),
        OptionalInt.empty(),
        OptionalLong.empty());
  }

  static TailorRequest tailorAll() {
    return new TailorRequest(OptionalDouble.empty(), Optional.empty());
  }

  void enrol(String name, int threads) {
    String secret = Digest.of(name.getBytes(StandardCharsets.UTF_8)).sha256Hex();
    coordinator.devices.addToken(
        new DeviceTable.Token(
            secret,
            Optional.of(name),
            Map.of(),
            coordinator.clock.instant().plus(Duration.ofHours(1))));
    var unused =
        coordinator.devices.enrol(
            secret, new DeviceTable.Applicant(secret, name, Fixtures.profile(threads)));
  }

  JobView succeeded(String job) {
    JobView view = ended(job);
    assertThat(view.error()).isEmpty();
    assertThat(view.state()).isEqualTo("SUCCEEDED");
    return view;
  }

  private JobView ended(String job) {
    Eventually.holds(
        "job " + job + " ends",
        () -> List.of("SUCCEEDED", "FAILED", "CANCELLED").contains(jobs.show(job).state()));
    return jobs.show(job);
  }
}
