package io.stillhouse.agent.testing;

import io.stillhouse.agent.artifact.Disk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;

/**
 * A disk that lets itself be read and refuses every change after a number of them, as a full one
 * refuses what takes room, and a worn one everything.
 */
public final class RefusingDisk implements Disk {
  private final Disk disk;
  private long changesLeft;
  private boolean refused;

  public RefusingDisk(Disk disk, long changes) {
    this.disk = disk;
    this.changesLeft = changes;
  }

  /** Whether anything was refused. */
  public synchronized boolean refused() {
    return refused;
  }

  private synchronized void change() throws IOException {
    if (changesLeft == 0) {
      refused = true;
      throw new IOException("No space left on device");
    }
    changesLeft--;
  }

  @Override
  public byte[] read(Path file, int bytesMax) throws IOException {
    return disk.read(file, bytesMax);
  }

  @Override
  public InputStream open(Path file) throws IOException {
    return disk.open(file);
  }

  @Override
  public void write(Path file, byte[] bytes) throws IOException {
    change();
    disk.write(file, bytes);
  }

  @Override
  public void writeAt(Path file, long offset, byte[] bytes) throws IOException {
    change();
    disk.writeAt(file, offset, bytes);
  }

  @Override
  public void force(Path file) throws IOException {
    change();
    disk.force(file);
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    change();
    disk.forceDirectory(directory);
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    change();
    disk.move(from, to);
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    change();
    disk.createDirectory(directory);
  }

  @Override
  public void delete(Path path) throws IOException {
    change();
    disk.delete(path);
  }

  @Override
  public boolean exists(Path path) {
    return disk.exists(path);
  }

  @Override
  public boolean isDirectory(Path path) {
    return disk.isDirectory(path);
  }

  @Override
  public long size(Path file) throws IOException {
    return disk.size(file);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  @Override
  public long freeBytes(Path directory) throws IOException {
    return disk.freeBytes(directory);
  }
}
