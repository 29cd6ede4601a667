package io.stillhouse.agent.hardware;

import java.util.List;
import java.util.Locale;

/** How a machine is called. */
final class BoardName {
  private static final int CHARS_MAX = 120;

  /** What makers leave in the firmware when they leave it blank. */
  private static final List<String> PLACEHOLDERS =
      List.of(
          "to be filled by o.e.m.",
          "system product name",
          "default string",
          "not specified",
          "none",
          "unknown",
          "not applicable",
          "o.e.m.");

  private BoardName() {}

  /** Every source of a name, best first; any may be empty. */
  record Sources(String deviceTree, String dmiVendor, String dmiProduct, String cpuinfo) {}

  /** The first usable name; never empty. */
  static String of(Sources sources) {
    String tree = clean(sources.deviceTree);
    if (!tree.isEmpty()) {
      return tree;
    }
    String product = clean(sources.dmiProduct);
    if (!product.isEmpty()) {
      String vendor = clean(sources.dmiVendor);
      return vendor.isEmpty() || product.startsWith(vendor) ? product : vendor + " " + product;
    }
    String model = clean(CpuFacts.boardModel(sources.cpuinfo));
    if (!model.isEmpty()) {
      return model;
    }
    String processor = clean(CpuFacts.processorName(sources.cpuinfo));
    return processor.isEmpty() ? "unknown board" : processor;
  }

  /**
   * Printable, short, without the zero byte that ends device-tree texts; empty if it says nothing.
   */
  static String clean(String raw) {
    String text = raw.replace("\0", "").strip().replaceAll("[^\\x20-\\x7e]", "?");
    if (PLACEHOLDERS.contains(text.toLowerCase(Locale.ROOT))) {
      return "";
    }
    return text.length() > CHARS_MAX ? text.substring(0, CHARS_MAX) : text;
  }
}
