package io.stillhouse.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.Disk;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.ManifestVerifier;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.artifact.Slots;
import io.stillhouse.agent.artifact.Staging;
import io.stillhouse.agent.hardware.DeviceLimits;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.link.Address;
import io.stillhouse.agent.link.Identity;
import io.stillhouse.agent.link.Stamps;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.UpdateState;
import io.stillhouse.agent.testing.FakeSource;
import io.stillhouse.agent.testing.RefusingDisk;
import io.stillhouse.agent.testing.TestAuthority;
import io.stillhouse.agent.testing.TestBundle;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole agent, with the real runtime, that nobody answers. */
@Timeout(120)
class AgentTest {
  private static final DeviceProfile PROFILE =
      new DeviceProfile(
          new DeviceProfile.Board("sim-small", "x86_64", List.of(), 2),
          new DeviceProfile.Capacity(1L << 30, 1L << 30, List.of()),
          new DeviceLimits("sim-small", 1, new DeviceLimits.ModelLimits(0, 0, 0), true),
          List.of(),
          "1.28.0");

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  private final TestBundle bundle = TestBundle.sound(1);
  private final HttpClient http = HttpClient.newHttpClient();
  private final TestAuthority authority = new TestAuthority();

  @SuppressWarnings("NullAway.Init")
  private Layout layout;

  @BeforeEach
  void commits_a_model() throws Exception {
    layout = new Layout(folder.resolve("agent"));
    RealDisk disk = new RealDisk();
    layout.create(disk);
    ManifestVerifier verifier =
        new ManifestVerifier(
            List.of(TestBundle.KEYS.getPublic().getEncoded()),
            new ManifestVerifier.DeviceTerms(TestBundle.HARDWARE_CLASS, "x86_64", "1.28.0", 0));
    BundlePlan plan = verifier.accept(bundle.signed(), bundle.digest(), Memory.EMPTY);
    Slots slots = new Slots(disk, layout);
    Staging staging = new Staging(disk, layout, slots, 0);
    staging.begin(bundle.signed(), plan, Models.NONE);
    staging.fill(plan, new FakeSource().serving(bundle), bytes -> {});
    Installed installed = staging.verifyAndInstall(plan, Models.NONE);
    new Journal(disk, layout.journal())
        .save(UpdateState.recovered(Optional.of(installed), Optional.empty()));
    // No spool can be opened beside all that the disk under test refuses.
    Files.writeString(layout.spool(), "");
  }

  private Agent agent(Disk disk) throws Exception {
    KeyPair keys = TestAuthority.newKeys();
    Identity identity =
        new Identity(
            new Identity.Place(new Address("127.0.0.1", 1), "press-7", TestBundle.HARDWARE_CLASS),
            keys.getPrivate(),
            authority.device(keys.getPublic(), "press-7"),
            authority.certificate(),
            List.of(TestBundle.KEYS.getPublic()));
    return new Agent(
        new Agent.Device(identity, PROFILE, AgentConfig.DEFAULT, layout),
        disk,
        new Stamps("boot", Agent.VERSION, InstantSource.system(), System::nanoTime, 0),
        new SecureRandom());
  }

  private boolean ready(int port) throws IOException, InterruptedException {
    HttpRequest ask =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v2/health/ready")).build();
    return http.send(ask, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
  }

  /** Runs an agent until its model answers. */
  private void assertServes(Disk disk) throws Exception {
    try (Agent agent = agent(disk)) {
      Thread running =
          new Thread(
              () -> {
                try {
                  agent.run();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      running.start();
      while (!ready(agent.port())) {
        assertThat(running.isAlive()).isTrue();
        LockSupport.parkNanos(1_000_000);
      }
      agent.stop();
      running.join();
    }
  }

  @Test
  void a_disk_that_refuses_all_from_any_operation_of_the_start_on_costs_no_answer()
      throws Exception {
    boolean refused = true;
    for (int operation = 0; refused; operation++) {
      // What is on record differs from what a start makes of it, so that the journal is written.
      if (operation % 2 == 1) {
        Files.deleteIfExists(layout.journal());
      }
      RefusingDisk disk = new RefusingDisk(new RealDisk(), operation);
      assertServes(disk);
      refused = disk.refused();
    }
    assertThat(layout.restPort()).isNotEmptyFile();
    assertThat(layout.status()).isNotEmptyFile();
    assertThat(layout.journal()).isNotEmptyFile();
  }
}
