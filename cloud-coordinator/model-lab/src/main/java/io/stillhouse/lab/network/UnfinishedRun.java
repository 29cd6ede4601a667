package io.stillhouse.lab.network;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.LabException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a long run keeps beside its output until that is whole, so that the same run started again
 * goes on: a folder {@code OUT.unfinished} with the run's arguments and its checkpoints.
 *
 * <pre>
 * OUT           OUT.unfinished          a run with this output
 * absent        absent                  begins
 * absent        of equal arguments      goes on
 * absent        of other arguments      is refused
 * absent        held by a live process  is refused
 * not empty     any                     is refused
 * </pre>
 *
 * <p>The lock is the operating system's, so it falls with the process that held it, however that
 * ended. Used by one thread.
 */
public final class UnfinishedRun implements AutoCloseable {
  private static final String ARGUMENTS = "arguments.json";
  private static final String LOCK = "lock";
  private static final String CHECKPOINTS = "checkpoints";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path out;
  private final Path folder;
  private final FileChannel lockFile;

  private UnfinishedRun(Path out, Path folder, FileChannel lockFile) {
    this.out = out;
    this.folder = folder;
    this.lockFile = lockFile;
  }

  /** Takes hold of the output's name; refuses one that is finished, in use or not writable. */
  public static UnfinishedRun open(Path out) {
    PartialFolder.requireFree(out);
    Path absolute = out.toAbsolutePath();
    Path folder = absolute.resolveSibling(absolute.getFileName() + ".unfinished");
    try {
      Files.createDirectories(folder);
      FileChannel lockFile =
          FileChannel.open(
              folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (locked(lockFile).isEmpty()) {
        lockFile.close();
        throw new LabException(
            "output " + out, "another process is at work on it", "Wait for it, or end it");
      }
      return new UnfinishedRun(out, folder, lockFile);
    } catch (IOException e) {
      throw PartialFolder.unwritable(out, e);
    }
  }

  private static Optional<FileLock> locked(FileChannel file) throws IOException {
    try {
      return Optional.ofNullable(file.tryLock());
    } catch (OverlappingFileLockException e) {
      return Optional.empty(); // held by another thread of this process
    }
  }

  /**
   * Says what the result depends on; refuses to go on with a run of other arguments.
   *
   * @param arguments by their names for people, in the order they are shown
   */
  public void claim(Map<String, String> arguments) {
    Path file = folder.resolve(ARGUMENTS);
    try {
      if (Files.exists(file)) {
        Map<String, String> earlier =
            JSON.readValue(
                Files.readAllBytes(file), new TypeReference<LinkedHashMap<String, String>>() {});
        List<String> differences = differences(earlier, arguments);
        if (!differences.isEmpty()) {
          throw new LabException(
              "output " + out,
              "an unfinished run has other arguments: " + String.join(", ", differences),
              "Repeat its arguments, name another folder, or remove " + folder);
        }
        return;
      }
      Path written = folder.resolve(ARGUMENTS + ".partial");
      Files.writeString(
          written, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(arguments) + "\n");
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw PartialFolder.unwritable(out, e);
    }
  }

  private static List<String> differences(Map<String, String> earlier, Map<String, String> now) {
    Set<String> names = new LinkedHashSet<>(now.keySet());
    names.addAll(earlier.keySet());
    List<String> differences = new ArrayList<>();
    for (String name : names) {
      String then = earlier.getOrDefault(name, "none");
      String today = now.getOrDefault(name, "none");
      if (!then.equals(today)) {
        differences.add("%s %s, now %s".formatted(name, then, today));
      }
    }
    return differences;
  }

  /** Where the run keeps its checkpoints. */
  public Path checkpoints() {
    return folder.resolve(CHECKPOINTS);
  }

  /** The output is whole: forgets the way there. */
  public void finish() {
    try {
      lockFile.close();
      PartialFolder.removeTree(folder);
    } catch (IOException e) {
      throw new LabException(
          "folder " + folder, String.valueOf(e.getMessage()), "Remove it; the output is whole", e);
    }
  }

  /** Lets go. What was not finished stays, unless nothing was done that is worth going on from. */
  @Override
  public void close() {
    try {
      lockFile.close();
      if (Files.isDirectory(folder) && !worthKeeping()) {
        PartialFolder.removeTree(folder);
      }
    } catch (IOException e) {
      // It stays behind under its telling name; the next run goes on from it.
    }
  }

  private boolean worthKeeping() throws IOException {
    if (!Files.isDirectory(checkpoints())) {
      return false;
    }
    try (Stream<Path> entries = Files.list(checkpoints())) {
      return entries.findAny().isPresent();
    }
  }
}
