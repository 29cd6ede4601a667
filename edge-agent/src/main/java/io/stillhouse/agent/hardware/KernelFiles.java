package io.stillhouse.agent.hardware;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Reads what the kernel shows under {@code /proc}, {@code /sys} and {@code /dev}. */
final class KernelFiles {
  private static final int TEXT_BYTES_MAX = 1 << 20;
  private static final int NAMES_MAX = 4_096;

  private final Path root;

  /**
   * @param root {@code /} outside tests
   */
  KernelFiles(Path root) {
    this.root = root;
  }

  /** A text file, cut at a bound; empty where there is none or it may not be read. */
  String text(String path) {
    try (InputStream in = Files.newInputStream(root.resolve(path))) {
      return new String(in.readNBytes(TEXT_BYTES_MAX), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  /** Names in a directory; empty where there is none. */
  List<String> names(String path) {
    try (Stream<Path> entries = Files.list(root.resolve(path))) {
      return entries.limit(NAMES_MAX).map(e -> String.valueOf(e.getFileName())).toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** {@code vendor:product} of all USB devices. */
  List<String> usbIds() {
    List<String> ids = new ArrayList<>();
    for (String device : names("sys/bus/usb/devices")) {
      String folder = "sys/bus/usb/devices/" + device + "/";
      String vendor = text(folder + "idVendor").strip();
      if (!vendor.isEmpty()) {
        ids.add(vendor + ":" + text(folder + "idProduct").strip());
      }
    }
    return ids;
  }
}
