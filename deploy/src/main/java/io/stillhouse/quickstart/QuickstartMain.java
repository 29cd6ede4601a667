package io.stillhouse.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.drive.CoordinatorClient;
import io.stillhouse.drive.DriveException;
import io.stillhouse.drive.ImageFeed;
import io.stillhouse.drive.MemoryWatch;
import io.stillhouse.drive.Programs;
import io.stillhouse.drive.TestImages;
import io.stillhouse.drive.Waiting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Entry point of {@code deploy/quickstart}: parses the options and tells the story. */
@Command(name = "quickstart", mixinStandardHelpOptions = true)
public final class QuickstartMain implements Callable<Integer> {
  private static final String MARKER = ".stillhouse-quickstart";

  @Option(names = "--root", required = true, hidden = true)
  private Path root = Path.of(".");

  @Option(names = "--exit", description = "Stop everything at the end.")
  private boolean exit;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON.")
  private Optional<Path> json = Optional.empty();

  @Option(names = "--data-dir", paramLabel = "DIR", description = "Where everything is kept.")
  private Optional<Path> dataDir = Optional.empty();

  private QuickstartMain() {}

  public static void main(String[] arguments) {
    System.exit(commands().execute(arguments));
  }

  /** The command with the conventions of all commands: a failure is one line. */
  static CommandLine commands() {
    CommandLine commands = new CommandLine(new QuickstartMain());
    commands.setExpandAtFiles(false);
    commands.setParameterExceptionHandler(
        (failure, arguments) -> {
          say(failure.getCommandLine(), failure.getMessage() + "; see 'deploy/quickstart --help'");
          return CommandLine.ExitCode.USAGE;
        });
    commands.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          say(
              command,
              failure instanceof DriveException
                  ? String.valueOf(failure.getMessage())
                  : failure.toString());
          return CommandLine.ExitCode.SOFTWARE;
        });
    return commands;
  }

  private static void say(CommandLine command, String line) {
    command.getErr().println("quickstart: " + line.replaceAll("\\p{Cntrl}+", " "));
    command.getErr().flush();
  }

  @Override
  @SuppressWarnings("SystemConsoleNull") // We run on 17, where it tells a terminal from a pipe.
  public Integer call() throws IOException {
    Path data = dataDir.orElse(root.resolve(".stillhouse").resolve("quickstart")).toAbsolutePath();
    json.ifPresent(QuickstartMain::requireWritable);
    startAfresh(data);
    Options options = new Options(root.toAbsolutePath(), data, json, exit);
    Narrator narrator = new Narrator(System.out, System.console() != null, System::nanoTime);
    try (Programs programs = new Programs(options.launchers(), data.resolve("logs"));
        MemoryWatch memory = new MemoryWatch()) {
      Thread stop = new Thread(programs::close, "stop-programs");
      Runtime.getRuntime().addShutdownHook(stop);
      boolean good = tell(options, narrator, programs, memory);
      if (!exit) {
        narrator.line("Still serving. Press Ctrl-C to stop everything.");
        awaitForever();
      }
      return good ? 0 : 1;
    }
  }

  private static boolean tell(
      Options options, Narrator narrator, Programs programs, MemoryWatch memory)
      throws IOException {
    Outcome outcome = new Outcome();
    List<Board> boards = Board.three();
    Waiting waiting = new Waiting(System::nanoTime);
    Fleet fleet = new Fleet(options, programs, waiting);

    narrator.chapter(
        "1/7 Start a coordinator and three agents (their limits are simulated, and bind)");
    CoordinatorClient coordinator = fleet.startCoordinator();
    narrator.line("coordinator at %s (H2, embedded Kafka)", fleet.console());
    fleet.startAgents(coordinator, boards);
    Story story = new Story(coordinator, fleet, programs, waiting, narrator);
    Findings findings = new Findings(coordinator, fleet, programs, waiting, narrator);
    story.meetTheFleet(boards.size());

    narrator.chapter("2/7 Teach: a residual network on 10,000 images");
    outcome.teacher(story.teach());

    narrator.chapter("3/7 Tailor: one student per hardware class");
    outcome.variants(story.tailor());

    TestImages images = TestImages.builtin();
    try (ImageFeed feed = new ImageFeed(List.copyOf(fleet.agents().values()), images)) {
      narrator.chapter("4/7 Roll out version 1 in waves, while the agents classify real images");
      JsonNode good = story.rollOut(1, feed);
      outcome.rollout(good);

      narrator.chapter("5/7 Measure on the devices");
      feed.pause();
      Map<String, Double> accuracy = story.measure(images);
      feed.resume();
      accuracy.forEach((device, share) -> narrator.line("%-12s %.2f %%", device, 100 * share));
      JsonNode health = findings.fleetHealth();

      narrator.chapter("6/7 Roll out a harmed version, and watch it stopped");
      JsonNode harmed = story.rollOut(story.makeHarm(), feed);
      outcome.rollout(harmed);
      findings.quarantine();

      narrator.chapter("7/7 Look back");
      feed.pause();
      outcome.telemetry(findings.telemetry());
      outcome.devices(findings.devices(health), accuracy);
      feed.resume();
      narrator.block(outcome.table());
      narrator.line(
          "finished in %.0f s, at most %.2f GiB resident over all processes",
          narrator.seconds(), memory.peakBytes() / (double) (1 << 30));
      ObjectNode document = outcome.toJson(narrator.seconds(), memory.peakBytes());
      options.jsonFile().ifPresent(file -> outcome.write(file, document));
      List<String> broken = Promises.broken(document, boards.size());
      broken.forEach(promise -> narrator.line("NOT as promised: %s", promise));
      return broken.isEmpty();
    }
  }

  /** Empties a folder that an earlier quickstart made; refuses to touch anybody else's. */
  private static void startAfresh(Path data) throws IOException {
    if (Files.exists(data)) {
      boolean empty;
      try (Stream<Path> entries = Files.list(data)) {
        empty = entries.findAny().isEmpty();
      }
      if (!empty && !Files.exists(data.resolve(MARKER))) {
        throw new DriveException(
            "data dir " + data,
            "it is not empty and no earlier quickstart made it",
            "Choose another --data-dir");
      }
      deleteBelow(data);
    }
    Files.createDirectories(data);
    Files.writeString(
        data.resolve(MARKER), "made by deploy/quickstart; emptied at its next start\n");
  }

  private static void deleteBelow(Path folder) throws IOException {
    List<Path> inner;
    try (Stream<Path> walk = Files.walk(folder)) {
      inner =
          walk.filter(path -> !path.equals(folder))
              .sorted(java.util.Comparator.reverseOrder())
              .toList();
    }
    for (Path path : inner) {
      Files.delete(path);
    }
  }

  private static void requireWritable(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    if (parent == null || !Files.isWritable(parent)) {
      throw new DriveException(
          "--json " + file,
          "its folder does not exist or cannot be written",
          "Choose another file");
    }
  }

  private static void awaitForever() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
