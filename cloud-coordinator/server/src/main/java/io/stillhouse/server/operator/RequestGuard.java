package io.stillhouse.server.operator;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may call. A loopback server without a token is still reachable by every page that the
 * operator's browser shows, so two tricks are refused: a name that was bound to our address after
 * the fact (the Host must be one of ours), and a page of another origin that writes here (its
 * Origin must be ours). Immutable.
 */
final class RequestGuard {
  private static final String BEARER = "Bearer ";

  /**
   * The page asks for the token itself; it holds no data. Whole paths and no prefix: routes are
   * found by the path without its dot segments, this looks at what was sent.
   */
  private static final Set<String> OPEN =
      Set.of("/", "/console/console.js", "/console/console.css", "/healthz", "/openapi.json");

  private final OperatorSettings settings;

  RequestGuard(OperatorSettings settings) {
    this.settings = settings;
  }

  /**
   * Checks a request before anything of it is used.
   *
   * @throws CoordinatorException when it is refused
   */
  void check(HttpServerRequest request) {
    HostAndPort host = request.authority();
    if (host == null || !ours(host.host())) {
      throw new CoordinatorException(
          ErrorCategory.FORBIDDEN,
          "cannot answer this host name",
          "Host is " + (host == null ? "absent" : host.host()),
          "use the address or localhost, or add the name to http.allowedHosts");
    }
    boolean reads =
        request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    if (!reads) {
      checkOrigin(request, host);
    }
    if (!settings.token().isEmpty() && !open(request.path())) {
      checkToken(request.getHeader("Authorization"));
    }
  }

  private static boolean open(@Nullable String path) {
    return path != null && OPEN.contains(path);
  }

  private boolean ours(String name) {
    String host = name.toLowerCase(Locale.ROOT);
    return host.equals("localhost")
        || host.equals(settings.host().toLowerCase(Locale.ROOT))
        || settings.allowedHosts().stream().anyMatch(allowed -> allowed.equalsIgnoreCase(host))
        // An address cannot be bound to another one.
        || host.startsWith("[")
        || host.contains(":")
        || host.matches("\\d{1,3}(\\.\\d{1,3}){3}");
  }

  private static void checkOrigin(HttpServerRequest request, HostAndPort host) {
    String origin = request.getHeader("Origin");
    String site = request.getHeader("Sec-Fetch-Site");
    boolean foreign = site != null && !site.equals("same-origin") && !site.equals("none");
    if (origin != null) {
      foreign |= !sameOrigin(origin, host);
    }
    if (foreign) {
      throw new CoordinatorException(
          ErrorCategory.FORBIDDEN,
          "cannot change anything for another page",
          "Origin is " + origin,
          "use the console of this coordinator, or a client that is no browser");
    }
  }

  private static boolean sameOrigin(String origin, HostAndPort host) {
    try {
      URI uri = URI.create(origin);
      String name = uri.getHost();
      return name != null
          && name.equalsIgnoreCase(host.host())
          && (uri.getPort() == -1 ? 80 : uri.getPort()) == (host.port() == -1 ? 80 : host.port());
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private void checkToken(@Nullable String authorization) {
    boolean right =
        authorization != null
            && authorization.startsWith(BEARER)
            && MessageDigest.isEqual(
                authorization.substring(BEARER.length()).getBytes(StandardCharsets.UTF_8),
                settings.token().getBytes(StandardCharsets.UTF_8));
    if (!right) {
      throw new CoordinatorException(
          ErrorCategory.UNAUTHENTICATED,
          "cannot tell who you are",
          authorization == null ? "no token was sent" : "the token is wrong",
          "send Authorization: Bearer TOKEN with the operator token (CLI: STILLHOUSE_TOKEN)");
    }
  }
}
