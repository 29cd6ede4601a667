package io.stillhouse.agent;

import io.stillhouse.agent.artifact.Layout;
import io.stillhouse.agent.artifact.RealDisk;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the agent keeps everything, and how it is set up. */
final class Place {
  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      defaultValue = "/var/lib/stillhouse-agent",
      description = "Where the agent keeps everything (default: ${DEFAULT-VALUE}).")
  @SuppressWarnings("NullAway.Init")
  private Path dataDir;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML configuration; without it the defaults hold.")
  private @Nullable Path config;

  Layout layout() {
    return new Layout(dataDir.toAbsolutePath().normalize());
  }

  AgentConfig read() {
    return config == null ? AgentConfig.DEFAULT : AgentConfigReader.read(config);
  }

  /**
   * Makes the data directory and what an update needs in it. Its parent has to be there: one that
   * is missing is rather a disk that is not mounted, or a slip of the pen.
   *
   * @throws AgentException when it cannot be for a reason that a person can mend
   */
  Layout create() throws IOException {
    Layout layout = layout();
    String what = "data directory " + layout.root();
    try {
      layout.create(new RealDisk());
      return layout;
    } catch (NoSuchFileException e) {
      throw new AgentException(
          what,
          "there is no directory " + layout.root().getParent() + " to make it in",
          "Make that, or check --data-dir",
          e);
    } catch (FileAlreadyExistsException e) {
      throw new AgentException(
          what, e.getFile() + " is no directory", "Remove it, or check --data-dir", e);
    } catch (AccessDeniedException e) {
      throw new AgentException(
          what,
          "this user may not use " + e.getFile(),
          "Run as the user that owns it, or check --data-dir",
          e);
    }
  }
}
