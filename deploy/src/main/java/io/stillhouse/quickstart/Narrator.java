package io.stillhouse.quickstart;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Tells the story: chapters, lines and progress, each with the seconds since the start. On a
 * terminal progress is one line that redraws itself; elsewhere it is a plain line at each tenth.
 *
 * <p>Used by one thread.
 */
final class Narrator {
  private static final int BAR_CELLS = 28;

  private final PrintStream out;
  private final boolean terminal;
  private final LongSupplier nanos;
  private final long startNanos;
  private int lastTenth = -1;
  private boolean barOpen;

  Narrator(PrintStream out, boolean terminal, LongSupplier nanos) {
    this.out = out;
    this.terminal = terminal;
    this.nanos = nanos;
    this.startNanos = nanos.getAsLong();
  }

  double seconds() {
    return (nanos.getAsLong() - startNanos) / 1e9;
  }

  void chapter(String title) {
    closeBar();
    lastTenth = -1;
    out.println();
    out.println(stamp() + "== " + title);
  }

  void line(String format, Object... values) {
    closeBar();
    out.println(stamp() + "   " + String.format(Locale.ROOT, format, values));
  }

  /** Text as it is, e.g. a table: no stamp, no wrapping. */
  void block(String text) {
    closeBar();
    out.println(text.stripTrailing());
  }

  void progress(double fraction, String message) {
    double clamped = Math.max(0, Math.min(1, fraction));
    if (terminal) {
      int full = (int) Math.round(clamped * BAR_CELLS);
      String bar = "#".repeat(full) + ".".repeat(BAR_CELLS - full);
      String text =
          String.format(
              Locale.ROOT, "%s   [%s] %3.0f %%  %s", stamp(), bar, clamped * 100, message);
      out.print("\r" + text + "\u001b[K");
      out.flush();
      barOpen = true;
      return;
    }
    int tenth = (int) (clamped * 10);
    if (tenth > lastTenth) {
      lastTenth = tenth;
      line("%3.0f %%  %s", clamped * 100, message);
    }
  }

  private String stamp() {
    return String.format(Locale.ROOT, "%6.1f s ", seconds());
  }

  private void closeBar() {
    if (barOpen) {
      out.println();
      barOpen = false;
    }
  }
}
