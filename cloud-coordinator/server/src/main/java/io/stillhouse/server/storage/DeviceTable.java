package io.stillhouse.server.storage;

import io.stillhouse.fleet.device.Device;
import io.stillhouse.fleet.device.DeviceId;
import io.stillhouse.model.profile.HardwareClass;
import io.stillhouse.model.profile.HardwareProfile;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;

/** Enrolled devices and the one-time tokens that enrol them. Thread-safe; calls block. */
public final class DeviceTable {
  /** Devices of one coordinator. */
  public static final int DEVICES_MAX = 100_000;

  private static final int NAME_CHARS_MAX = 63;

  private final Database database;
  private final InstantSource clock;

  public DeviceTable(Database database, InstantSource clock) {
    this.database = database;
    this.clock = clock;
  }

  /** A device with everything that enrolment and its last hello said. */
  public record Enrolled(
      Device device, Map<String, String> labels, HardwareProfile profile, Enrolment enrolment) {
    public Enrolled {
      labels = Map.copyOf(labels);
    }
  }

  /** How a device came to be on record. */
  public record Enrolment(String keySha256, String agentVersion, Instant at) {}

  /** A token to remember: its secret's hash, never the secret. */
  public record Token(
      String secretSha256, Optional<String> name, Map<String, String> labels, Instant expiresAt) {}

  /** Who asks to be enrolled: the hash of its public key, its wished name, its profile. */
  public record Applicant(String keySha256, String wishedName, HardwareProfile profile) {}

  public void addToken(Token token) {
    database.update(
        h ->
            h.createUpdate(
                    "INSERT INTO enrolment_token(secret_sha256, name, labels, expires_at)"
                        + " VALUES (:secret, :name, :labels, :expires)")
                .bind("secret", token.secretSha256())
                .bind("name", token.name().orElse(null))
                .bind("labels", StoredJson.write(new TreeMap<>(token.labels())))
                .bind("expires", Database.sql(token.expiresAt()))
                .execute());
  }

  /**
   * Trades a token for a device, once. The same applicant, known by its key, may trade it again:
   * the answer to its first try may have been lost on the way.
   */
  public Device enrol(String secretSha256, Applicant applicant) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          TokenRow token = lockToken(h, secretSha256).orElseThrow(DeviceTable::badToken);
          if (token.usedBy().isPresent()) {
            if (!token.usedKey().equals(Optional.of(applicant.keySha256()))) {
              throw badToken();
            }
            return find(h, token.usedBy().get()).orElseThrow(DeviceTable::badToken).device();
          }
          if (!token.expiresAt().isAfter(now)) {
            throw badToken();
          }
          Device device = insert(h, now, token, applicant);
          h.createUpdate(
                  "UPDATE enrolment_token SET used_by = :id, used_key_sha256 = :key"
                      + " WHERE secret_sha256 = :secret")
              .bind("id", device.id().value())
              .bind("key", applicant.keySha256())
              .bind("secret", secretSha256)
              .execute();
          Database.event(
              h,
              now,
              new Event(
                  "device",
                  "device.enrolled",
                  "device/" + device.id(),
                  "class " + device.hardwareClass()));
          return device;
        });
  }

  private Device insert(Handle h, Instant now, TokenRow token, Applicant applicant) {
    long count = h.createQuery("SELECT COUNT(*) FROM device").mapTo(Long.class).one();
    if (count >= DEVICES_MAX) {
      throw new CoordinatorException(
          ErrorCategory.EXHAUSTED,
          "cannot enrol a device",
          "there are " + DEVICES_MAX + " devices already",
          "run a second coordinator");
    }
    DeviceId id = freeId(h, token.name().orElse(applicant.wishedName()));
    HardwareClass hardwareClass = applicant.profile().hardwareClass();
    h.createUpdate(
            "INSERT INTO device(id, name, labels, hardware_class, profile, key_sha256,"
                + " agent_version, enrolled_at) VALUES (:id, :id, :labels, :class, :profile, :key,"
                + " '', :now)")
        .bind("id", id.value())
        .bind("labels", token.labels())
        .bind("class", hardwareClass.name())
        .bind("profile", profileJson(applicant.profile()))
        .bind("key", applicant.keySha256())
        .bind("now", Database.sql(now))
        .execute();
    return new Device(id, id.value(), hardwareClass, false);
  }

  /** The wished name made safe for a certificate, with a number behind it when it is taken. */
  private static DeviceId freeId(Handle h, String wish) {
    String base =
        wish.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
    if (base.isEmpty()) {
      base = "device";
    }
    base = base.substring(0, Math.min(base.length(), NAME_CHARS_MAX - 7)).replaceAll("-+$", "");
    String candidate = base;
    for (int n = 2; n <= DEVICES_MAX; n++) {
      long taken =
          h.createQuery("SELECT COUNT(*) FROM device WHERE id = :id")
              .bind("id", candidate)
              .mapTo(Long.class)
              .one();
      if (taken == 0) {
        return new DeviceId(candidate);
      }
      candidate = base + "-" + n;
    }
    throw new IllegalStateException("no free name for " + base);
  }

  /** Takes note of what a device says it is now; its class may have changed with its limits. */
  public void hello(DeviceId id, HardwareProfile profile, String agentVersion) {
    database.update(
        h ->
            h.createUpdate(
                    "UPDATE device SET profile = :profile, hardware_class = :class,"
                        + " agent_version = :version WHERE id = :id")
                .bind("profile", profileJson(profile))
                .bind("class", profile.hardwareClass().name())
                .bind("version", Texts.clip(agentVersion, 64))
                .bind("id", id.value())
                .execute());
  }

  public Optional<Enrolled> find(DeviceId id) {
    return database.read(h -> find(h, id.value()));
  }

  /** Every device, by name. */
  public List<Enrolled> all() {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM device ORDER BY name")
                .map((rs, ctx) -> enrolled(rs))
                .list());
  }

  /** Those that are refused for ever. */
  public List<DeviceId> revoked() {
    return database.read(
        h ->
            h.createQuery("SELECT id FROM device WHERE revoked_at IS NOT NULL")
                .mapTo(String.class)
                .map(DeviceId::new)
                .list());
  }

  public Enrolled label(DeviceId id, Map<String, String> labels) {
    Instant now = clock.instant();
    String json = StoredJson.write(new TreeMap<>(labels));
    return database.write(
        h -> {
          h.createUpdate("UPDATE device SET labels = :labels WHERE id = :id")
              .bind("labels", json)
              .bind("id", id.value())
              .execute();
          Enrolled device = find(h, id.value()).orElseThrow(() -> unknown(id.value()));
          Database.event(h, now, new Event("operator", "device.labelled", "device/" + id, json));
          return device;
        });
  }

  /** Refuses a device for ever; doing it again changes nothing. */
  public Enrolled revoke(DeviceId id) {
    Instant now = clock.instant();
    return database.write(
        h -> {
          int updated =
              h.createUpdate(
                      "UPDATE device SET revoked_at = :now"
                          + " WHERE id = :id AND revoked_at IS NULL")
                  .bind("now", Database.sql(now))
                  .bind("id", id.value())
                  .execute();
          if (updated > 0) {
            Database.event(h, now, new Event("operator", "device.revoked", "device/" + id, ""));
          }
          return find(h, id.value()).orElseThrow(() -> unknown(id.value()));
        });
  }

  /** The failure of naming a device that is not on record. */
  public static CoordinatorException unknown(String device) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND,
        "cannot find device " + device,
        "no such device is enrolled",
        "list the devices");
  }

  private static String profileJson(HardwareProfile profile) {
    String json = StoredJson.write(profile);
    if (json.length() > 65_536) {
      throw new CoordinatorException(
          ErrorCategory.INVALID,
          "cannot record a hardware profile",
          "it has " + json.length() + " characters (expected: at most 65536)",
          "report fewer probes");
    }
    return json;
  }

  private record TokenRow(
      Optional<String> name,
      String labels,
      Instant expiresAt,
      Optional<String> usedBy,
      Optional<String> usedKey) {}

  private static Optional<TokenRow> lockToken(Handle h, String secretSha256) {
    return h.createQuery("SELECT * FROM enrolment_token WHERE secret_sha256 = :s FOR UPDATE")
        .bind("s", secretSha256)
        .map(
            (rs, ctx) ->
                new TokenRow(
                    Optional.ofNullable(rs.getString("name")),
                    rs.getString("labels"),
                    rs.getObject("expires_at", OffsetDateTime.class).toInstant(),
                    Optional.ofNullable(rs.getString("used_by")),
                    Optional.ofNullable(rs.getString("used_key_sha256"))))
        .findOne();
  }

  /** One message for unknown, expired and used: a guesser learns nothing from it. */
  private static CoordinatorException badToken() {
    return new CoordinatorException(
        ErrorCategory.UNAUTHENTICATED,
        "cannot enrol",
        "the token is unknown, expired or already used",
        "make a new one with: stillhouse device token");
  }

  private static Optional<Enrolled> find(Handle h, String id) {
    return h.createQuery("SELECT * FROM device WHERE id = :id")
        .bind("id", id)
        .map((rs, ctx) -> enrolled(rs))
        .findOne();
  }

  @SuppressWarnings("unchecked")
  private static Enrolled enrolled(ResultSet rs) throws SQLException {
    Map<String, String> labels = StoredJson.read(rs.getString("labels"), Map.class);
    return new Enrolled(
        new Device(
            new DeviceId(rs.getString("id")),
            rs.getString("name"),
            new HardwareClass(rs.getString("hardware_class")),
            rs.getObject("revoked_at") != null),
        labels,
        StoredJson.read(rs.getString("profile"), HardwareProfile.class),
        new Enrolment(
            rs.getString("key_sha256"),
            rs.getString("agent_version"),
            rs.getObject("enrolled_at", OffsetDateTime.class).toInstant()));
  }
}
