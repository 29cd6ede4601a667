package io.stillhouse.agent.link;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Host and port of a coordinator's device port. */
public record Address(String host, int port) {
  private static final Pattern FORM =
      Pattern.compile("(\\[[0-9a-fA-F:.]{2,45}]|[A-Za-z0-9.-]{1,253}):(\\d{1,5})");
  private static final int PORT_MAX = 65_535;

  public Address {
    if (port < 1 || port > PORT_MAX) {
      throw new IllegalArgumentException("port: " + port + " (expected: 1 to " + PORT_MAX + ")");
    }
  }

  /** Reads {@code host:port}; an IPv6 host stands in brackets. */
  public static Address parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "coordinator: \"%.80s\" (expected: host:port, e.g. edge.example.org:7443)"
              .formatted(text));
    }
    return new Address(parts.group(1), Integer.parseInt(parts.group(2)));
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
