package io.stillhouse.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.agent.artifact.Journal;
import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.RealDisk;
import io.stillhouse.agent.hardware.DeviceProfile;
import io.stillhouse.agent.hardware.HardwareSurvey;
import io.stillhouse.agent.link.Address;
import io.stillhouse.agent.link.Enroller;
import io.stillhouse.agent.link.Identity;
import io.stillhouse.agent.link.IdentityStore;
import io.stillhouse.agent.link.LinkException;
import io.stillhouse.agent.link.Stamps;
import io.stillhouse.agent.reconcile.UpdateState;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The agent's commands. Exit codes: 0 done, 1 failed, 2 used wrongly; a failure is one line on
 * standard error.
 */
@Command(
    name = "stillhouse-agent",
    mixinStandardHelpOptions = true,
    version = "stillhouse-agent " + Agent.VERSION,
    description = "Runs, tests and reports on the model that a coordinator wants on this device.")
final class AgentCommands implements Runnable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long STOP_SECONDS_MAX = 8;
  private static final Logger log = LoggerFactory.getLogger(AgentCommands.class);

  private final Surroundings around;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  /**
   * What commands work with.
   *
   * @param prepareRuntime told where the inference runtime's libraries are unpacked
   */
  record Surroundings(
      PrintWriter out,
      PrintWriter err,
      Stamps stamps,
      SecureRandom random,
      Consumer<Path> prepareRuntime) {}

  private AgentCommands(Surroundings around) {
    this.around = around;
  }

  static CommandLine of(Surroundings around) {
    CommandLine commands = new CommandLine(new AgentCommands(around));
    commands.addSubcommand(new InferCommand(around.out(), around.err()));
    commands.setOut(around.out());
    commands.setErr(around.err());
    commands.setUsageHelpAutoWidth(true);
    commands.setExpandAtFiles(false);
    commands.setParameterExceptionHandler(AgentCommands::usedWrongly);
    commands.setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command));
    return commands;
  }

  private static int usedWrongly(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().println(name + ": " + line(failure) + "; see '" + name + " --help'");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Exception failure, CommandLine command) {
    String name = command.getCommandSpec().qualifiedName();
    if (failure instanceof AgentException || failure instanceof LinkException) {
      command.getErr().println(name + ": " + line(failure));
    } else if (failure instanceof IOException) {
      command
          .getErr()
          .println(name + ": " + line(failure) + ". Check the data directory and the REST port");
    } else {
      command.getErr().println(name + ": failed by a defect, please report this:");
      failure.printStackTrace(command.getErr());
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String line(Exception failure) {
    String said = failure.getMessage();
    String plain = said == null ? failure.getClass().getSimpleName() : said;
    return (failure instanceof IOException && said != null && !said.contains(" ")
            ? failure.getClass().getSimpleName() + " " + plain
            : plain)
        .replaceAll("\\p{Cntrl}+", " ");
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing (one of enroll, run, status, profile, infer)");
  }

  @Command(
      name = "enroll",
      mixinStandardHelpOptions = true,
      description = "Trade a one-time token for this device's identity.")
  void enroll(
      @Option(
              names = "--coordinator",
              paramLabel = "HOST:PORT",
              required = true,
              description = "The coordinator's device port.")
          String coordinator,
      @Option(
              names = "--token",
              paramLabel = "TOKEN",
              required = true,
              description = "As 'stillhouse device token' printed it.")
          String token,
      @Option(
              names = "--replace",
              description = "Give up the identity that the data directory holds, if it does.")
          boolean replace,
      @CommandLine.Mixin Place place)
      throws IOException, LinkException {
    AgentConfig config = place.read();
    Address address = address(coordinator);
    Layout layout = place.create();
    IdentityStore store = new IdentityStore(new RealDisk(), layout.identity());
    // A running agent would go on under the identity that it started with.
    DirectoryLock lock = DirectoryLock.take(layout);
    try (lock) {
      if (!replace) {
        refuseWhenEnrolled(store, layout);
      }
      DeviceProfile profile = survey(layout, config);
      Identity identity =
          new Enroller(around.random()).enrol(address, token, config.name(), profile);
      forgetFormer(layout);
      store.save(identity);
      around
          .out()
          .println(
              "enrolled as %s, class %s"
                  .formatted(identity.deviceId(), identity.place().hardwareClass()));
    }
  }

  private static void refuseWhenEnrolled(IdentityStore store, Layout layout) throws IOException {
    Optional<Identity> held = store.load();
    if (held.isPresent()) {
      throw new AgentException(
          "data directory " + layout.root(),
          "it is enrolled as %s with %s"
              .formatted(held.get().deviceId(), held.get().place().coordinator()),
          "Use another directory, or say --replace to give that identity up");
    }
  }

  /**
   * Wishes, and telemetry that was not sent: it says whose it is, and its numbers are of the former
   * device's account. Before the new identity is there: cut in between, the former one's wishes are
   * told again.
   */
  private static void forgetFormer(Layout layout) throws IOException {
    new RealDisk().deleteTree(layout.spool());
    Journal journal = new Journal(new RealDisk(), layout.journal());
    Optional<UpdateState> held = journal.load().state();
    if (held.isPresent()) {
      journal.save(held.get().underNewIdentity());
    }
  }

  private Address address(String text) {
    try {
      return Address.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  @Command(
      name = "run",
      mixinStandardHelpOptions = true,
      description = "Serve this device's model and keep to what the coordinator wants.")
  void serve(@CommandLine.Mixin Place place)
      throws IOException, GeneralSecurityException, LinkException, InterruptedException {
    AgentConfig config = place.read();
    Layout layout = createIfTheDiskAllows(place);
    DirectoryLock lock = DirectoryLock.takeIfTheDiskAllows(layout);
    try (lock) {
      Identity identity =
          new IdentityStore(new RealDisk(), layout.identity())
              .load()
              .orElseThrow(
                  () ->
                      new AgentException(
                          "data directory " + layout.root(),
                          "this device is not enrolled",
                          "Run 'stillhouse-agent enroll' first"));
      DeviceProfile profile = survey(layout, config);
      runUntilStopped(
          new Agent(
              new Agent.Device(identity, profile, config, layout),
              new RealDisk(),
              around.stamps(),
              around.random()));
    }
  }

  /** A device that was enrolled has what matters, and something to serve. */
  private static Layout createIfTheDiskAllows(Place place) throws IOException {
    try {
      return place.create();
    } catch (AgentException | IOException e) {
      Layout layout = place.layout();
      if (!new IdentityStore(new RealDisk(), layout.identity()).exists()) {
        throw e;
      }
      log.warn("the data directory cannot be completed: {}", e.getMessage());
      return layout;
    }
  }

  private static void runUntilStopped(Agent agent) throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    Thread stopper =
        new Thread(
            () -> {
              agent.stop();
              try {
                if (!ended.await(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
                  Runtime.getRuntime().halt(1);
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "stopper");
    Runtime.getRuntime().addShutdownHook(stopper);
    try (agent) {
      agent.run();
    } finally {
      ended.countDown();
    }
  }

  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "Show what this device runs and how its last update went.")
  void status(@CommandLine.Mixin Place place, @Option(names = "--json") boolean json)
      throws IOException {
    Layout layout = place.layout();
    ObjectNode fields =
        new StatusFile(new RealDisk(), layout.status())
            .read()
            .orElseThrow(
                () ->
                    new AgentException(
                        "data directory " + layout.root(),
                        "no agent has run on it",
                        "Check --data-dir, or start 'stillhouse-agent run'"));
    print(fields, json);
  }

  @Command(
      name = "profile",
      mixinStandardHelpOptions = true,
      description = "Measure this device and show its hardware profile.")
  void profile(@CommandLine.Mixin Place place, @Option(names = "--json") boolean json)
      throws IOException {
    DeviceProfile profile = survey(place.create(), place.read());
    print(JSON.valueToTree(profile), json);
  }

  private void print(ObjectNode fields, boolean json) throws IOException {
    if (json) {
      around.out().println(JSON.writeValueAsString(fields));
      return;
    }
    for (Map.Entry<String, JsonNode> field : fields.properties()) {
      String value =
          field.getValue().isValueNode() ? field.getValue().asText() : field.getValue().toString();
      around.out().printf("%-12s %s%n", field.getKey(), value.isEmpty() ? "-" : value);
    }
  }

  private DeviceProfile survey(Layout layout, AgentConfig config) {
    around.prepareRuntime().accept(layout.nativeLibrary());
    return new HardwareSurvey(layout.root(), config.limits(), around.stamps().nanoTicker())
        .measure();
  }
}
