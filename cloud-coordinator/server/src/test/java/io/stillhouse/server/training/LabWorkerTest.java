package io.stillhouse.server.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillhouse.server.training.WorkerOutcome.StopReason;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The lab's real worker in a real process, as the supervisor starts it. */
@Timeout(120)
class LabWorkerTest {
  private static final int SIDE = 12;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @SuppressWarnings("NullAway.Init")
  private Path job;

  private final WorkerProcess process =
      new WorkerProcess(
          WorkerCommand.ofThisJvm(new WorkerCommand.Limits(128, 2_048, Duration.ofMinutes(2))),
          System::nanoTime);

  @BeforeEach
  void photosAndOrder() throws IOException {
    Random random = new Random(5);
    for (int c = 0; c < 2; c++) {
      Path of = Files.createDirectories(directory.resolve("photos").resolve("class-" + c));
      for (int i = 0; i < 20; i++) {
        BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < SIDE * SIDE; p++) {
          picture.setRGB(p % SIDE, p / SIDE, random.nextInt(100) + 100 * c);
        }
        assertThat(ImageIO.write(picture, "png", of.resolve(i + ".png").toFile())).isTrue();
      }
    }
    job = Files.createDirectories(directory.resolve("job"));
    Files.writeString(
        job.resolve("job.json"),
        """
        {"kind":"train","threads":1,"data":"images:%1$s/photos","network":"resnet8","width":0.25,
         "epochs":80,"seed":4,"out":"%1$s/teacher"}
        """
            .formatted(directory));
  }

  @Test
  void a_job_told_to_stop_saves_where_it_is_and_the_next_attempt_finishes_it() throws Exception {
    WorkerOutcome stopped =
        process.run(
            job,
            progress ->
                progress.filter(p -> p.step().startsWith("train")).map(p -> StopReason.CANCELLED));
    assertThat(stopped).isEqualTo(new WorkerOutcome.Stopped(StopReason.CANCELLED));
    assertThat(directory.resolve("teacher")).doesNotExist();
    assertThat(directory.resolve("teacher.unfinished").resolve("checkpoints"))
        .isNotEmptyDirectory();

    double[] first = {1};
    WorkerOutcome done =
        process.run(
            job,
            progress -> {
              progress
                  .filter(p -> p.step().startsWith("train"))
                  .ifPresent(p -> first[0] = Math.min(first[0], p.fraction()));
              return Optional.empty();
            });
    assertThat(done).isInstanceOf(WorkerOutcome.Done.class);
    assertThat(((WorkerOutcome.Done) done).result().path("report").path("accuracy").asDouble())
        .isBetween(0.5, 1.0);
    assertThat(directory.resolve("teacher").resolve("model.json")).exists();
    assertThat(first[0]).as("where the second attempt began").isGreaterThan(1.0 / 80);
  }

  @Test
  void an_order_that_makes_no_sense_is_refused_and_not_a_crash() throws Exception {
    Files.writeString(
        job.resolve("job.json"),
        Files.readString(job.resolve("job.json")).replace("resnet8", "nonet"));
    WorkerOutcome refused = process.run(job, progress -> Optional.empty());
    assertThat(refused).isInstanceOf(WorkerOutcome.Refused.class);
    assertThat(((WorkerOutcome.Refused) refused).message()).contains("nonet is not known");
  }
}
