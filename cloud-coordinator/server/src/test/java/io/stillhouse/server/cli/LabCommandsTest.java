package io.stillhouse.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.server.StillhouseMain;
import io.stillhouse.server.testing.Eventually;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training and compressing by command, on tiny pictures; a real process is killed. */
@Timeout(120)
class LabCommandsTest {
  private static final int SIDE = 12;
  private static final String QUANTIZE = "steps:\n  - quantize: {precision: int8}\n";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private boolean terminal;

  @BeforeEach
  void photos() throws IOException {
    write("photos", 3);
  }

  /** The class of a picture is its brightest third. */
  private void write(String name, int classes) throws IOException {
    Random random = new Random(5);
    for (int c = 0; c < classes; c++) {
      Path of = Files.createDirectories(directory.resolve(name).resolve("class-" + c));
      for (int i = 0; i < 20; i++) {
        BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < SIDE * SIDE; p++) {
          int light = (p * 3 / (SIDE * SIDE) == c ? 130 : 20) + random.nextInt(100);
          picture.setRGB(p % SIDE, p / SIDE, (light << 16) | random.nextInt(60));
        }
        assertThat(ImageIO.write(picture, "png", of.resolve(i + ".png").toFile())).isTrue();
      }
    }
  }

  /** What a command did. */
  private record Ran(int code, String out, String err) {}

  /** Runs a command; {@code @} stands for the test's own folder. */
  private Ran run(String line) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Surroundings around =
        new Surroundings(
            new PrintWriter(out), new PrintWriter(err), terminal, Map.of(), Duration.ZERO);
    int code =
        Cli.finish(Cli.commands(around, System::nanoTime, new GracefulStop(Duration.ZERO)), around)
            .execute(arguments(line).toArray(new String[0]));
    around.out().flush();
    around.err().flush();
    return new Ran(code, out.toString(), err.toString());
  }

  private List<String> arguments(String line) {
    return List.of(line.strip().replace("@", directory + File.separator).split(" +"));
  }

  private String train(String out, int epochs) {
    return "lab train --data images:@photos --network resnet8 --width 0.25 --batch 16 --threads 1"
        + " --epochs %d --out @%s".formatted(epochs, out);
  }

  private String recipe(String text) throws IOException {
    return "lab compress --recipe %s --data images:@photos"
        .formatted(Files.writeString(directory.resolve("recipe.yaml"), text));
  }

  private void refused(String line, String... said) {
    refused(1, line, said);
  }

  private void misused(String line, String... said) {
    refused(2, line, said);
  }

  private void refused(int code, String line, String... said) {
    Ran ran = run(line);
    assertThat(ran.code()).as(ran.err()).isEqualTo(code);
    assertThat(ran.out()).isEmpty();
    // What was reported on the way to a refusal stands on lines of its own, with a per cent sign;
    // training that is refused has not begun, and reports nothing.
    List<String> errors =
        ran.err()
            .lines()
            .filter(l -> line.startsWith("lab train") || !l.matches("\\s*\\d+ % .*"))
            .toList();
    assertThat(errors).singleElement().asString().contains(said).matches(".+: .+[;.] .+");
    assertThat(ran.err()).doesNotContain("Exception");
  }

  private List<String> names() throws IOException {
    try (var names = Files.list(directory)) {
      return names.map(n -> String.valueOf(n.getFileName())).sorted().toList();
    }
  }

  @Test
  void a_model_from_elsewhere_is_brought_in_and_trained_on() throws IOException {
    assertThat(run(train("teacher", 6)).code()).isZero();
    Path model = directory.resolve("teacher").resolve("model.onnx");
    Ran brought =
        run("lab import --onnx " + model + " --data images:@photos --out @brought --json");
    assertThat(brought.code()).as(brought.err()).isZero();
    ObjectMapper json = new ObjectMapper();
    assertThat(json.readTree(brought.out()).path("accuracy"))
        .isEqualTo(
            json.readTree(directory.resolve("teacher").resolve("evaluation.json").toFile())
                .path("accuracy"));
    Ran further =
        run("lab train --from @brought --data images:@photos --epochs 1 --batch 16 --out @further");
    assertThat(further.code()).as(further.err()).isZero();
    assertThat(names()).contains("brought", "further");

    Path text = Files.writeString(directory.resolve("text.onnx"), "no model");
    refused("lab import --onnx " + text + " --data images:@photos --out @x", "it is no ONNX file");
    refused("lab import --onnx @none.onnx --data images:@photos --out @x", "there is no such file");
    refused(
        "lab import --onnx " + model + " --data images:@photos --out @brought",
        "exists and is not empty");
    refused("lab train --from @nowhere --data images:@photos --out @x", "there is no model.json");
    misused(
        "lab import --onnx " + model + " --data images:@photos --out @x --mean 0 --std 0",
        "std: 0.0 (expected: > 0)");
    misused(
        "lab import --onnx " + model + " --data images:@photos --out @x --mean 0.5",
        "Missing required argument(s): --std=X");
    misused("lab train --from @brought --network resnet8 --data images:@photos --out @x", "--from");
    misused("lab train --data images:@photos --out @x", "--network", "--from");
  }

  @Test
  void a_teacher_is_trained_and_a_student_made_of_it() throws IOException {
    Ran trained = run(train("teacher", 6) + " --learning-rate 0.1 --no-flip --json");
    assertThat(trained.code()).as(trained.err()).isZero();
    JsonNode measured = new ObjectMapper().readTree(trained.out());
    assertThat(measured.path("directory").asText()).endsWith("teacher");
    assertThat(measured.path("accuracy").asDouble()).isBetween(0.3, 1.0);
    assertThat(trained.err().lines())
        .allMatch(l -> !l.contains("\r"))
        .anyMatch(l -> l.contains("epoch 6 of 6"));
    JsonNode recipe =
        new ObjectMapper()
            .readTree(directory.resolve("teacher").resolve("model.json").toFile())
            .path("provenance")
            .path("recipe");
    assertThat(recipe.path("flip").asBoolean()).isFalse();
    assertThat(recipe.path("learningRate").asDouble()).isEqualTo(0.1);
    assertThat(recipe.path("cropPadding").asInt()).isEqualTo(4);

    Files.write(directory.resolve("photos/class-0/broken.png"), new byte[] {1, 2, 3});
    terminal = true;
    Ran compressed =
        run(
            recipe("seed: 3\nsteps:\n  - prune: {ratio: 0.5, roundTo: 4, epochs: 2}\n")
                + " --teacher @teacher --out @student --threads 1 --seed 11");
    assertThat(compressed.code()).as(compressed.err()).isZero();
    assertThat(compressed.err()).contains("\r[###").endsWith("\n");
    assertThat(compressed.err().lines())
        .contains("1 files were skipped")
        .anyMatch(line -> line.startsWith("class-0/broken.png skipped: "));
    assertThat(compressed.out()).contains("accuracy", "wrote ");
    JsonNode student =
        new ObjectMapper().readTree(directory.resolve("student").resolve("model.json").toFile());
    assertThat(student.path("provenance").path("seed").asLong()).isEqualTo(11);
    assertThat(names()).containsExactly("photos", "recipe.yaml", "student", "teacher");

    Ran again = run("lab reproduce @student --json");
    assertThat(again.code()).as(again.err()).isZero();
    JsonNode compared = new ObjectMapper().readTree(again.out());
    assertThat(compared.path("same").asBoolean()).isTrue();
    assertThat(compared.path("otherTools")).isEmpty();
    misused("lab reproduce @student --further-teacher @teacher", "1 are given, the recipe names 0");
    Files.delete(directory.resolve("photos").resolve("class-0").resolve("3.png"));
    refused("lab reproduce @student", "data images:", "its content has digest", "--data");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_training_that_was_ended_goes_on_when_it_is_started_again(boolean hard) throws Exception {
    assertThat(run(train("unbroken", 30)).code()).isZero();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(StillhouseMain.class.getName());
    command.addAll(arguments(train("killed", 30)));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output.txt").toFile())
            .start();
    Path checkpoints = directory.resolve("killed.unfinished").resolve("checkpoints");
    try {
      Eventually.holds(
          "a checkpoint",
          () -> {
            File[] steps = checkpoints.toFile().listFiles((d, name) -> name.matches("step-\\d+"));
            return (steps != null && steps.length > 0) || !process.isAlive();
          });
    } finally {
      int code = (hard ? process.destroyForcibly() : stopped(process)).waitFor();
      assertThat(code).isEqualTo(128 + (hard ? 9 : 15));
    }
    String said = Files.readString(directory.resolve("output.txt"));
    assertThat(directory.resolve("killed")).as(said).doesNotExist();
    if (!hard) {
      assertThat(said)
          .endsWith(
              "stillhouse lab train: train resnet8 was cancelled;"
                  + " the same command takes it up again\n");
    }
    assertThat(checkpoints).isDirectory();

    refused(train("killed", 31), "other arguments", "epochs 30, now 31", "killed.unfinished");
    Ran rest = run(train("killed", 30));
    assertThat(rest.code()).as(rest.err()).isZero();
    assertThat(rest.err()).doesNotContain("epoch 1 of 30");
    assertThat(directory.resolve("killed").resolve("weights.safetensors"))
        .hasSameBinaryContentAs(directory.resolve("unbroken").resolve("weights.safetensors"));
    assertThat(names()).containsExactly("killed", "output.txt", "photos", "unbroken");
    refused(train("killed", 30), "killed: it exists and is not empty");
  }

  private static Process stopped(Process process) {
    process.destroy();
    return process;
  }

  @Test
  void an_unknown_network_is_refused() throws IOException {
    misused(
        train("teacher", 1).replace("resnet8", "nonet"), "network: nonet is not known", "resnet20");
    assertThat(names()).containsExactly("photos");
  }

  @Test
  void a_value_without_sense_is_refused() {
    misused(train("teacher", 0), "epochs: 0 (expected: 1 to 2000)");
    misused(train("teacher", 1) + " --label-smoothing 1.5", "labelSmoothing: 1.5");
    misused(train("teacher", 1).replace("threads 1", "threads 0"), "threads: 0");
  }

  /** Tests hold training to kernels that are exact everywhere, and bf16 is not among them. */
  @Test
  void arithmetic_that_would_be_slower_here_is_refused() throws IOException {
    refused(train("teacher", 1) + " --arithmetic bf16", "arithmetic bf16: ", "Train in fp32");
    misused(train("teacher", 1) + " --arithmetic half", "--arithmetic", "half");
    assertThat(names()).containsExactly("photos");
    run(train("teacher", 1));
    String compress =
        "lab compress --teacher @teacher --recipe @recipe.yaml --data images:@photos --out @student";
    String steps = "steps:\n  - prune: {ratio: 0.2, epochs: 1}\n";
    Files.writeString(directory.resolve("recipe.yaml"), "arithmetic: bf16\n" + steps);
    refused(compress, "arithmetic bf16: ", "Train in fp32");
    Files.writeString(directory.resolve("recipe.yaml"), steps);
    refused(compress + " --arithmetic bf16", "arithmetic bf16: ", "Train in fp32");
    assertThat(names()).containsExactly("photos", "recipe.yaml", "teacher");
  }

  @Test
  void missing_data_is_refused() throws IOException {
    refused(train("teacher", 1).replace("@photos", "@nothing"), "there is no folder", "nothing");
    assertThat(names()).containsExactly("photos");
  }

  @Test
  void a_single_class_is_refused() throws IOException {
    write("alike", 1);
    refused(train("teacher", 1).replace("@photos", "@alike"), "a single class, class-0");
    assertThat(names()).containsExactly("alike", "photos");
  }

  @Test
  void a_place_that_cannot_be_written_is_refused() {
    refused(train("photos/class-0/0.png/out", 1), "0.png/out", "Name a folder that can be written");
    refused(
        train("x", 1).replaceAll("--out .*", "--out /proc/nothing/out"), "/proc/nothing", "made");
  }

  @Test
  void a_recipe_with_a_wrong_field_is_refused_by_file_and_line() throws IOException {
    misused(
        recipe("seed: 3\nsteps:\n  - prune: {rato: 0.5}\n") + " --teacher @none --out @student",
        "recipe.yaml, line 3: prune: unknown field rato");
    refused(
        recipe(QUANTIZE).replace("recipe.yaml", "none.yaml") + " --teacher @none --out @student",
        "none.yaml: there is no such file");
    Files.write(directory.resolve("binary.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 1});
    refused(
        recipe(QUANTIZE).replace("recipe.yaml", "binary.yaml") + " --teacher @none --out @student",
        "no UTF-8 text");
  }

  @Test
  void a_teacher_that_is_none_or_of_another_shape_than_the_data_is_refused() throws IOException {
    refused(recipe(QUANTIZE) + " --teacher @photos --out @student", "there is no model.json");
    assertThat(run(train("teacher", 1)).code()).isZero();
    refused(
        recipe(QUANTIZE).replaceAll("images:\\S+", "builtin:fashion-mnist-12k")
            + " --teacher @teacher --out @student",
        "1x28x28 of 10 classes",
        "takes 3x32x32 of 3");
    assertThat(names()).containsExactly("photos", "recipe.yaml", "teacher");
  }
}
