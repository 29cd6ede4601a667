package io.stillhouse.server.broker;

import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import io.stillhouse.server.identity.BrokerIdentity;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/**
 * How this process reaches Kafka: where, and what lets it in. Every client of the coordinator is
 * made from it.
 *
 * @param bootstrap {@code host:port,...}
 * @param security settings of a Kafka client that begin with {@code security.}, {@code sasl.} or
 *     {@code ssl.}; empty for a cluster that asks nobody who they are
 */
public record KafkaAccess(String bootstrap, Map<String, String> security) {
  /** Largest file of client settings that is read. */
  static final long FILE_BYTES_MAX = 1 << 20;

  public KafkaAccess {
    security = Map.copyOf(security);
  }

  /** To brokers that speak plain text. */
  public static KafkaAccess plaintext(String bootstrap) {
    return new KafkaAccess(bootstrap, Map.of());
  }

  /** With TLS, showing a certificate of the fleet's authority and believing no other one. */
  static KafkaAccess tls(String bootstrap, BrokerIdentity identity) {
    return new KafkaAccess(bootstrap, BrokerTls.settings(identity));
  }

  /**
   * To a cluster of somebody else's, as a file of Kafka client settings says.
   *
   * @param file Java properties, e.g. {@code security.protocol=SASL_SSL}
   * @throws CoordinatorException when it cannot be read, or sets what is not about security
   */
  public static KafkaAccess ofFile(String bootstrap, Path file) {
    Map<String, String> security = new HashMap<>();
    Properties read = read(file);
    for (String key : read.stringPropertyNames()) {
      if (!key.matches("(security|sasl|ssl)\\..+")) {
        throw refused(file, key + " is not about security (expected: security.*, sasl.*, ssl.*)");
      }
      security.put(key, read.getProperty(key));
    }
    return new KafkaAccess(bootstrap, security);
  }

  /** The settings of one client: its own, and those that let it in. */
  public Map<String, Object> settings(Map<String, ?> own) {
    Map<String, Object> all = new HashMap<>(own);
    all.putAll(security);
    all.put("bootstrap.servers", bootstrap);
    return all;
  }

  /** Says nothing of secrets. */
  @Override
  public String toString() {
    return "KafkaAccess[bootstrap=" + bootstrap + "]";
  }

  private static Properties read(Path file) {
    Properties properties = new Properties();
    try {
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw refused(file, "larger than " + FILE_BYTES_MAX + " bytes");
      }
      properties.load(new StringReader(Files.readString(file)));
      return properties;
    } catch (NoSuchFileException e) {
      throw refused(file, "no such file");
    } catch (MalformedInputException e) {
      throw refused(file, "it is no UTF-8 text");
    } catch (IOException | IllegalArgumentException e) {
      throw refused(file, String.valueOf(e.getMessage()));
    }
  }

  private static CoordinatorException refused(Path file, String why) {
    return new CoordinatorException(
        ErrorCategory.INVALID,
        "cannot use kafka.security.client " + file,
        why,
        "give it the security settings of a Kafka client");
  }
}
