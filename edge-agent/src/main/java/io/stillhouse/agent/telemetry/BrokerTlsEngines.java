package io.stillhouse.agent.telemetry;

import io.stillhouse.agent.link.BrokerTls;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.security.auth.SslEngineFactory;
import org.jspecify.annotations.Nullable;

/**
 * Gives the Kafka client the device's own TLS. Kafka's usual way reads stores from files or texts
 * and looks at a certificate's dates, which a board that woke up in 1970 could not get past.
 *
 * <p>Made by the Kafka client, by name; public for that.
 */
public final class BrokerTlsEngines implements SslEngineFactory {
  /** The setting that holds the {@link BrokerTls}. */
  static final String TLS = "stillhouse.broker.tls";

  private Optional<SSLContext> context = Optional.empty();

  /** What a client needs to connect so. */
  static Map<String, Object> settings(BrokerTls tls) {
    return Map.of(
        "security.protocol", "SSL", "ssl.engine.factory.class", BrokerTlsEngines.class, TLS, tls);
  }

  @Override
  public void configure(Map<String, ?> settings) {
    if (!(settings.get(TLS) instanceof BrokerTls tls)) {
      throw new ConfigException(TLS + ": not set");
    }
    try {
      context = Optional.of(tls.context());
    } catch (GeneralSecurityException e) {
      throw new ConfigException("TLS towards Kafka cannot be prepared: " + e.getMessage());
    }
  }

  @Override
  public SSLEngine createClientSslEngine(String host, int port, @Nullable String identification) {
    SSLEngine engine =
        context
            .orElseThrow(() -> new IllegalStateException("not configured"))
            .createSSLEngine(host, port);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    // Whatever is configured: a broker must bear the name by which it was dialled.
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    engine.setSSLParameters(parameters);
    return engine;
  }

  @Override
  public SSLEngine createServerSslEngine(String host, int port) {
    throw new UnsupportedOperationException("an agent has no clients");
  }

  @Override
  public boolean shouldBeRebuilt(Map<String, Object> next) {
    return false;
  }

  @Override
  public Set<String> reconfigurableConfigs() {
    return Set.of();
  }

  @Override
  public @Nullable KeyStore keystore() {
    return null;
  }

  @Override
  public @Nullable KeyStore truststore() {
    return null;
  }

  @Override
  public void close() {}
}
