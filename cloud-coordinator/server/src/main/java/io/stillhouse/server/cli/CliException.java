package io.stillhouse.server.cli;

import java.io.Serial;

/** A command failed for a reason that its caller can act upon; the message is one line. */
final class CliException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  CliException(String what, String why, String fix) {
    super((what + ": " + why + "; " + fix).replaceAll("\\p{Cntrl}+", " "));
  }
}
