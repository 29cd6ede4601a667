package io.stillhouse.server.broker;

import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.server.identity.BrokerIdentity;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * What makes the embedded broker one that knows its clients. It takes certificates of the fleet's
 * authority only. The coordinator, known by the name in its own certificate, may do everything; a
 * device may write to the topics of devices, and neither read nor delete anything.
 */
final class BrokerTls {
  private static final long POLL_MILLIS = 20;

  private BrokerTls() {}

  /** For a client, and for a broker's own way to itself: key, certificates, whom to believe. */
  static Map<String, String> settings(BrokerIdentity identity) {
    return Map.of(
        "security.protocol",
        "SSL",
        "ssl.keystore.type",
        "PEM",
        "ssl.keystore.key",
        identity.keyPem(),
        "ssl.keystore.certificate.chain",
        identity.chainPem(),
        "ssl.truststore.type",
        "PEM",
        "ssl.truststore.certificates",
        identity.authorityPem());
  }

  /** What only the broker's side sets. */
  static Map<String, String> brokerSettings(BrokerIdentity identity) {
    Map<String, String> settings = new HashMap<>(settings(identity));
    settings.remove("security.protocol");
    settings.put("ssl.client.auth", "required");
    settings.put(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    settings.put("super.users", "User:" + identity.name());
    return settings;
  }

  /** Lets every device write where devices write; repeated at each start, which changes nothing. */
  static void letDevicesWrite(Admin admin, long waitMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    // Writing includes describing, and beginning as an idempotent producer.
    set(admin, writing("User:*", AclPermissionType.ALLOW), waitMillis);
  }

  /** Refuses devices what {@link #letDevicesWrite} lets all of them do. */
  static void refuse(Admin admin, List<DeviceId> devices, long waitMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    List<AclBinding> refusals =
        devices.stream()
            .flatMap(id -> writing("User:CN=" + id.value(), AclPermissionType.DENY).stream())
            .toList();
    set(admin, refusals, waitMillis);
  }

  private static List<AclBinding> writing(String principal, AclPermissionType permission) {
    return Stream.of(Topics.TELEMETRY, Topics.EVENTS)
        .map(
            topic ->
                new AclBinding(
                    new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
                    new AccessControlEntry(principal, "*", AclOperation.WRITE, permission)))
        .toList();
  }

  /** Returns when the broker judges by these rights. */
  private static void set(Admin admin, List<AclBinding> rights, long waitMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    admin.createAcls(rights).all().get(waitMillis, TimeUnit.MILLISECONDS);
    // The controller has written them down; the broker reads that a moment later.
    for (long wait = 0; !inForce(admin, waitMillis).containsAll(rights); wait += POLL_MILLIS) {
      if (wait >= waitMillis) {
        throw new TimeoutException("the broker does not yet know the rights of devices");
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  private static Set<AclBinding> inForce(Admin admin, long waitMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    return Set.copyOf(
        admin.describeAcls(AclBindingFilter.ANY).values().get(waitMillis, TimeUnit.MILLISECONDS));
  }
}
