package io.stillhouse.server.config;

import java.util.List;

/**
 * Everything that an operator may set about a coordinator. Whatever a file does not mention keeps
 * its default; a key that does not exist is an error. Read with {@link ConfigReader}.
 *
 * @param operatorToken what people must present as a bearer token; empty: nothing, which is allowed
 *     on loopback only
 */
public record CoordinatorConfig(
    Http http,
    Grpc grpc,
    Kafka kafka,
    Database database,
    Lab lab,
    Rollout rollout,
    String operatorToken) {
  public static final CoordinatorConfig DEFAULT =
      new CoordinatorConfig(
          new Http("127.0.0.1", 8080, List.of()),
          new Grpc("127.0.0.1", 7443, List.of(), 5),
          new Kafka(true, "127.0.0.1", 9092, "", "", new KafkaSecurity("auto", "", "")),
          new Database("", "", ""),
          new Lab(0, 512, 4096, 120, false),
          new Rollout(List.of(10, 50, 100), 300, 60, 86_400),
          "");

  /** Shortest operator token that is taken seriously. */
  public static final int TOKEN_CHARACTERS_MIN = 16;

  public CoordinatorConfig {
    if (!operatorToken.isEmpty() && operatorToken.length() < TOKEN_CHARACTERS_MIN) {
      throw new IllegalArgumentException(
          "operatorToken: %d characters (expected: at least %d)"
              .formatted(operatorToken.length(), TOKEN_CHARACTERS_MIN));
    }
  }

  /** Says nothing of secrets. */
  @Override
  public String toString() {
    return "CoordinatorConfig[http=%s, grpc=%s, kafka=%s, database=%s, lab=%s, rollout=%s]"
        .formatted(http, grpc, kafka, database, lab, rollout);
  }

  /**
   * The operators' side.
   *
   * @param port 0: a free one, remembered in the data directory
   * @param allowedHosts names by which browsers may call this server besides localhost and
   *     addresses
   */
  public record Http(String host, int port, List<String> allowedHosts) {
    public Http {
      allowedHosts = List.copyOf(allowedHosts);
      checkPort("http.port", port);
    }
  }

  /**
   * The devices' side.
   *
   * @param names further names and addresses that devices know this server by; they go into its
   *     certificate
   * @param heartbeatSeconds how often each device says that it lives
   */
  public record Grpc(String host, int port, List<String> names, int heartbeatSeconds) {
    public Grpc {
      names = List.copyOf(names);
      checkPort("grpc.port", port);
      checkRange("grpc.heartbeatSeconds", heartbeatSeconds, 1, 600);
    }
  }

  /**
   * The telemetry broker.
   *
   * @param embedded run one in this process
   * @param host where the embedded one listens
   * @param advertisedHost what devices are told to connect to; empty: {@code host}
   * @param bootstrap servers of the cluster to use instead
   */
  public record Kafka(
      boolean embedded,
      String host,
      int port,
      String advertisedHost,
      String bootstrap,
      KafkaSecurity security) {
    public Kafka {
      checkPort("kafka.port", port);
      if (embedded != bootstrap.isEmpty()) {
        throw new IllegalArgumentException(
            embedded
                ? "kafka.bootstrap: set although kafka.embedded is true (expected: one of the two)"
                : "kafka.bootstrap: empty (expected: host:port when kafka.embedded is false)");
      }
      if (embedded && !(security.client.isEmpty() && security.deviceTrust.isEmpty())) {
        throw new IllegalArgumentException(
            "kafka.security: client or deviceTrust is set although kafka.embedded is true"
                + " (expected: only with a cluster of yours)");
      }
      if (!security.deviceTrust.isEmpty() && !security.devices.equals("tls")) {
        throw new IllegalArgumentException(
            "kafka.security.deviceTrust: set although kafka.security.devices is %s (expected: tls)"
                .formatted(security.devices));
      }
    }

    /** Whether devices show Kafka their certificates, or speak plain text. */
    public boolean devicesUseTls() {
      return security.devices.equals("tls")
          || (security.devices.equals("auto") && embedded && !ListenPort.loopback(host));
    }
  }

  /**
   * Who may talk to the broker, and how.
   *
   * @param devices {@code tls}, {@code plaintext} or {@code auto}: TLS with an embedded broker that
   *     others than this machine reach
   * @param deviceTrust PEM file of the authorities that devices believe; empty: the fleet's own
   * @param client file of settings by which the coordinator is let in; empty: none are needed
   */
  public record KafkaSecurity(String devices, String deviceTrust, String client) {
    public KafkaSecurity {
      if (!List.of("auto", "tls", "plaintext").contains(devices)) {
        throw new IllegalArgumentException(
            "kafka.security.devices: %s (expected: auto, tls or plaintext)".formatted(devices));
      }
    }
  }

  /**
   * The state of record.
   *
   * @param url JDBC; empty: an embedded database in the data directory
   */
  public record Database(String url, String user, String password) {
    @Override
    public String toString() {
      return "Database[url=" + url + ", user=" + user + "]";
    }
  }

  /**
   * What one lab job may use.
   *
   * @param threads 0: every core
   * @param heapMiB Java heap of the job's process
   * @param memoryMiB its memory in all, native tensors included
   * @param remoteWorkers leave jobs to lab workers on other machines
   */
  public record Lab(
      int threads, int heapMiB, int memoryMiB, int timeLimitMinutes, boolean remoteWorkers) {
    public Lab {
      checkRange("lab.threads", threads, 0, 1_024);
      checkRange("lab.heapMiB", heapMiB, 64, 1 << 20);
      checkRange("lab.memoryMiB", memoryMiB, heapMiB, 1 << 24);
      checkRange("lab.timeLimitMinutes", timeLimitMinutes, 1, 100_000);
    }
  }

  /**
   * What a rollout does unless it says otherwise.
   *
   * @param waves cumulative share of the devices after each wave, in percent, rising to 100
   */
  public record Rollout(
      List<Integer> waves, long soakSeconds, long probationSeconds, long waveDeadlineSeconds) {
    public Rollout {
      waves = List.copyOf(waves);
      int before = 0;
      for (int percent : waves) {
        if (percent <= before || percent > 100) {
          throw new IllegalArgumentException(
              "rollout.waves: %s (expected: rising percentages that end at 100)".formatted(waves));
        }
        before = percent;
      }
      if (before != 100) {
        throw new IllegalArgumentException(
            "rollout.waves: %s (expected: rising percentages that end at 100)".formatted(waves));
      }
      checkRange("rollout.soakSeconds", soakSeconds, 0, 1_000_000);
      checkRange("rollout.probationSeconds", probationSeconds, 0, 1_000_000);
      checkRange("rollout.waveDeadlineSeconds", waveDeadlineSeconds, 1, 10_000_000);
    }
  }

  private static void checkPort(String key, int port) {
    checkRange(key, port, 0, 65_535);
  }

  private static void checkRange(String key, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          "%s: %d (expected: %d to %d)".formatted(key, value, min, max));
    }
  }
}
