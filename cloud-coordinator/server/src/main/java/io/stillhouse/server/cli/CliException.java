package io.stillhouse.server.cli;

import java.io.Serial;

/** A command failed for a reason that its caller can act upon; the message is one line. */
final class CliException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final boolean usage;

  CliException(String what, String why, String fix) {
    this(what, why, fix, false);
  }

  private CliException(String what, String why, String fix, boolean usage) {
    super((what + ": " + why + "; " + fix).replaceAll("\\p{Cntrl}+", " "));
    this.usage = usage;
  }

  /** The command was used wrongly: only another argument helps. */
  static CliException ofUsage(String what, String why, String fix) {
    return new CliException(what, why, fix, true);
  }

  boolean isOfUsage() {
    return usage;
  }
}
