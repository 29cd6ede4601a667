package io.stillhouse.agent.testing;

import io.stillhouse.agent.artifact.Disk;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that loses power. It keeps two views: what the running process sees, and what is
 * durable. {@code force} makes a file's content durable, {@code forceDirectory} the names in a
 * directory. A cut throws {@link PowerCut} before an operation takes place; then {@link #restart}
 * shows what survived. For each name and each content that was not forced, chance (or a fixed rule)
 * decides whether it had reached the disk; a content may also have reached it in part.
 *
 * <p>Contents are tied to a file's identity and not to its name, as inodes are: a file that was
 * renamed without its content having been forced may appear under the new name empty.
 */
public final class FakeDisk implements Disk {
  /** The power went. */
  public static final class PowerCut extends RuntimeException {
    @java.io.Serial private static final long serialVersionUID = 1L;

    public PowerCut() {
      super("power cut");
    }
  }

  /** What becomes of operations that were not forced. */
  public enum Loss {
    EVERYTHING,
    NOTHING,
    BY_CHANCE
  }

  private static final class Node {
    private final boolean directory;
    private byte[] content = new byte[0];
    private byte[] durable = new byte[0];
    private final Map<String, Node> entries = new TreeMap<>();
    private final Map<String, Node> durableEntries = new TreeMap<>();

    private Node(boolean directory) {
      this.directory = directory;
    }
  }

  private final Node root = new Node(true);
  private long operations;
  private long cutBefore = Long.MAX_VALUE;
  private long fullFrom = Long.MAX_VALUE;
  private long freeBytes = 1L << 40;

  /** The power goes before this operation, counted from 1 over the disk's life. */
  public void cutBefore(long operation) {
    cutBefore = operation;
  }

  /** From this operation on every write fails as on a full disk. */
  public void fullFrom(long operation) {
    fullFrom = operation;
  }

  public void freeBytes(long bytes) {
    freeBytes = bytes;
  }

  /** Changing operations so far. */
  public long operations() {
    return operations;
  }

  /** The power comes back. */
  public void restart(Loss loss, Random random) {
    cutBefore = Long.MAX_VALUE;
    settle(root, loss, random);
    onePlaceEach(root, Collections.newSetFromMap(new IdentityHashMap<>()));
  }

  /** A directory whose rename reached the disk by half has one name all the same. */
  private static void onePlaceEach(Node directory, Set<Node> seen) {
    for (Map.Entry<String, Node> entry : List.copyOf(directory.entries.entrySet())) {
      Node child = entry.getValue();
      if (child.directory) {
        if (seen.add(child)) {
          onePlaceEach(child, seen);
        } else {
          directory.entries.remove(entry.getKey());
          directory.durableEntries.remove(entry.getKey());
        }
      }
    }
  }

  private static void settle(Node node, Loss loss, Random random) {
    if (!node.directory) {
      if (!survives(loss, random)) {
        node.content = node.durable;
      } else if (node.content != node.durable
          && loss == Loss.BY_CHANCE
          && node.content.length > 0
          && random.nextInt(4) == 0) {
        byte[] torn = node.content.clone();
        int from = random.nextInt(torn.length);
        Arrays.fill(torn, from, torn.length, (byte) 0);
        node.content = torn;
      }
      node.durable = node.content;
      return;
    }
    Map<String, Node> now = new TreeMap<>(node.entries);
    List<String> names = new ArrayList<>(now.keySet());
    names.addAll(node.durableEntries.keySet());
    for (String name : names.stream().distinct().toList()) {
      @Nullable Node seen = now.get(name);
      @Nullable Node durable = node.durableEntries.get(name);
      if (seen != durable && !survives(loss, random)) {
        if (durable == null) {
          node.entries.remove(name);
        } else {
          node.entries.put(name, durable);
        }
      }
    }
    node.durableEntries.clear();
    node.durableEntries.putAll(node.entries);
    for (Node child : node.entries.values()) {
      settle(child, loss, random);
    }
  }

  private static boolean survives(Loss loss, Random random) {
    return switch (loss) {
      case EVERYTHING -> false;
      case NOTHING -> true;
      case BY_CHANCE -> random.nextBoolean();
    };
  }

  private void step() {
    operations++;
    if (operations >= cutBefore) {
      throw new PowerCut();
    }
  }

  private void grow() throws IOException {
    if (operations >= fullFrom) {
      throw new IOException("No space left on device");
    }
  }

  private @Nullable Node at(Path path) {
    Node node = root;
    for (Path name : path.toAbsolutePath().normalize()) {
      Node next = node.entries.get(name.toString());
      if (next == null) {
        return null;
      }
      node = next;
    }
    return node;
  }

  private Node require(Path path) throws IOException {
    Node node = at(path);
    if (node == null) {
      throw new NoSuchFileException(path.toString());
    }
    return node;
  }

  private Node parent(Path path) throws IOException {
    Path parent = path.toAbsolutePath().normalize().getParent();
    return parent == null ? root : require(parent);
  }

  private static String name(Path path) {
    return path.getFileName().toString();
  }

  @Override
  public byte[] read(Path file, int bytesMax) throws IOException {
    byte[] content = require(file).content;
    if (content.length > bytesMax) {
      throw new IOException(file + ": longer than " + bytesMax);
    }
    return content.clone();
  }

  @Override
  public InputStream open(Path file) throws IOException {
    return new ByteArrayInputStream(require(file).content);
  }

  @Override
  public void write(Path file, byte[] bytes) throws IOException {
    step();
    grow();
    Node parent = parent(file);
    Node node = parent.entries.get(name(file));
    if (node == null) {
      node = new Node(false);
      parent.entries.put(name(file), node);
    }
    node.content = bytes.clone();
  }

  @Override
  public void writeAt(Path file, long offset, byte[] bytes) throws IOException {
    step();
    grow();
    Node parent = parent(file);
    Node node = parent.entries.get(name(file));
    if (node == null) {
      node = new Node(false);
      parent.entries.put(name(file), node);
    }
    int from = Math.toIntExact(offset);
    byte[] next = Arrays.copyOf(node.content, Math.max(node.content.length, from + bytes.length));
    System.arraycopy(bytes, 0, next, from, bytes.length);
    node.content = next;
  }

  @Override
  public void force(Path file) throws IOException {
    step();
    Node node = require(file);
    node.durable = node.content;
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    step();
    Node node = require(directory);
    node.durableEntries.clear();
    node.durableEntries.putAll(node.entries);
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    step();
    Node node = require(from);
    Node target = at(to);
    if (target != null && (target.directory || node.directory)) {
      throw new FileAlreadyExistsException(to.toString());
    }
    parent(from).entries.remove(name(from));
    parent(to).entries.put(name(to), node);
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    step();
    if (at(directory) == null) {
      grow();
      parent(directory).entries.put(name(directory), new Node(true));
    }
  }

  /** Makes a directory with its parents, durably. */
  public void createDirectories(Path directory) {
    Node node = root;
    for (Path name : directory.toAbsolutePath().normalize()) {
      Node parent = node;
      node = node.entries.computeIfAbsent(name.toString(), n -> new Node(true));
      parent.durableEntries.put(name.toString(), node);
    }
  }

  @Override
  public void delete(Path path) throws IOException {
    step();
    Node node = at(path);
    if (node == null) {
      return;
    }
    if (!node.entries.isEmpty()) {
      throw new DirectoryNotEmptyException(path.toString());
    }
    parent(path).entries.remove(name(path));
  }

  @Override
  public boolean exists(Path path) {
    return at(path) != null;
  }

  @Override
  public boolean isDirectory(Path path) {
    Node node = at(path);
    return node != null && node.directory;
  }

  @Override
  public long size(Path file) throws IOException {
    return require(file).content.length;
  }

  @Override
  public List<Path> list(Path directory) {
    Node node = at(directory);
    if (node == null) {
      return List.of();
    }
    return node.entries.keySet().stream()
        .map(directory::resolve)
        .sorted(Comparator.naturalOrder())
        .toList();
  }

  @Override
  public long freeBytes(Path directory) {
    return freeBytes;
  }

  /** Flips bits of a file's durable content, as a worn flash does. */
  public void damage(Path file, Random random) {
    try {
      Node node = require(file);
      byte[] content = node.content.clone();
      if (content.length > 0) {
        content[random.nextInt(content.length)] ^= (byte) (1 << random.nextInt(8));
      }
      node.content = content;
      node.durable = content;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
