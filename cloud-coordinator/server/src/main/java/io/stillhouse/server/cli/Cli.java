package io.stillhouse.server.cli;

import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.lab.LabException;
import io.stillhouse.server.failure.CoordinatorException;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The whole command line. Exit codes: 0 done, 1 failed, 2 used wrongly. A failure is one line on
 * standard error, never a stack trace, unless it is a defect of ours.
 */
public final class Cli {
  private Cli() {}

  /**
   * Builds it; more commands may be added to what is returned before {@link #finish}.
   *
   * @param nanos monotonic
   * @param stop of work that this process does itself
   */
  public static CommandLine commands(Surroundings around, LongSupplier nanos, GracefulStop stop) {
    RolloutCommands rollouts = new RolloutCommands(around);
    CommandLine root = new CommandLine(new Root());
    root.addSubcommand("network", new NetworkCommands(around));
    root.addSubcommand(
        "lab",
        new CommandLine(new LabCommands(around, nanos, stop))
            .addSubcommand("worker", new LabWorkerCommand(around, nanos)));
    root.addSubcommand("device", new DeviceCommands(around));
    root.addSubcommand("model", new ModelCommands(around));
    root.addSubcommand(
        "rollout", new CommandLine(rollouts).addSubcommand("watch", rollouts.watch()));
    root.addSubcommand("audit", new AuditCommand(around));
    return root;
  }

  /** Sets the conventions that hold for every command, also for those added later. */
  public static CommandLine finish(CommandLine root, Surroundings around) {
    root.setOut(around.out());
    root.setErr(around.err());
    root.setUsageHelpAutoWidth(true);
    root.setExpandAtFiles(false);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setParameterExceptionHandler(Cli::usedWrongly);
    root.setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command));
    return root;
  }

  private static int usedWrongly(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    String said = String.valueOf(failure.getMessage()).replaceAll("\\p{Cntrl}+", " ");
    command.getErr().println(name + ": " + said + "; see '" + name + " --help'");
    command.getErr().flush();
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Exception failure, CommandLine command) {
    String name = command.getCommandSpec().qualifiedName();
    if (failure instanceof CliException
        || failure instanceof CoordinatorException
        || failure instanceof LabException) {
      command.getErr().println(name + ": " + failure.getMessage());
      if (usedWrongly(failure)) {
        command.getErr().flush();
        return CommandLine.ExitCode.USAGE;
      }
    } else if (failure instanceof CancelledException) {
      command
          .getErr()
          .println(name + ": " + failure.getMessage() + "; the same command takes it up again");
    } else {
      command.getErr().println(name + ": failed by a defect, please report this:");
      failure.printStackTrace(command.getErr());
    }
    command.getErr().flush();
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static boolean usedWrongly(Exception failure) {
    return (failure instanceof CliException cli && cli.isOfUsage())
        || (failure instanceof LabException lab && lab.isOfArgument());
  }

  /** A group says which commands it has when none is named. */
  abstract static class Group implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public void run() {
      String known = spec.subcommands().keySet().stream().collect(Collectors.joining(", "));
      throw new ParameterException(
          spec.commandLine(), "a command is missing (one of " + known + ")");
    }
  }

  @Command(
      name = "stillhouse",
      mixinStandardHelpOptions = true,
      version = "stillhouse 0.1.0",
      description = "Teach once in the cloud, distil for every device, ship to the fleet safely.")
  private static final class Root extends Group {}
}
