package io.stillhouse.server.cli;

import io.stillhouse.lab.Progress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.BooleanSupplier;

/**
 * Progress for people: a bar that is drawn over on a terminal, and elsewhere a plain line for each
 * step and each tenth of the way, so that a log stays readable.
 */
final class ProgressLine implements Progress {
  private static final int BAR_CHARACTERS = 30;
  private static final int LINE_CHARACTERS_MAX = 100;

  private final PrintWriter err;
  private final boolean terminal;
  private final BooleanSupplier cancelled;
  private String told = "";
  private int drawn;

  ProgressLine(Surroundings around, BooleanSupplier cancelled) {
    this.err = around.err();
    this.terminal = around.terminal();
    this.cancelled = cancelled;
  }

  @Override
  public void report(String step, double fraction, String message) {
    double share = Math.max(0, Math.min(1, fraction));
    String text = (message.isEmpty() ? step : step + ": " + message).replaceAll("\\p{Cntrl}", " ");
    if (terminal) {
      draw(share, text);
    } else {
      String key = step + " " + (int) (share * 10);
      if (!key.equals(told)) {
        told = key;
        err.println(String.format(Locale.ROOT, "%3.0f %% %s", 100 * share, text));
      }
    }
    err.flush();
  }

  private void draw(double share, String text) {
    int full = (int) Math.round(share * BAR_CHARACTERS);
    String bar = "#".repeat(full) + ".".repeat(BAR_CHARACTERS - full);
    String line = String.format(Locale.ROOT, "[%s] %3.0f %% %s", bar, 100 * share, text);
    String clipped = line.substring(0, Math.min(line.length(), LINE_CHARACTERS_MAX));
    err.print("\r" + clipped + " ".repeat(Math.max(0, drawn - clipped.length())));
    drawn = clipped.length();
  }

  @Override
  public boolean cancelled() {
    return cancelled.getAsBoolean();
  }

  /** Ends the bar's line. */
  void end() {
    if (drawn > 0) {
      err.println();
      err.flush();
      drawn = 0;
    }
  }
}
