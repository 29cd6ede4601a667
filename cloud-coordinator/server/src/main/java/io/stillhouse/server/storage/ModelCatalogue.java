package io.stillhouse.server.storage;

import io.stillhouse.model.Digest;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jdbi.v3.core.Handle;

/** Models, their versions, and the variants of each version. Thread-safe; calls block. */
public final class ModelCatalogue {
  /** Versions of one model that are kept on record. */
  private static final int VERSIONS_MAX = 10_000;

  /** Longest JSON that is kept of the decisions for one class. */
  public static final int DECISIONS_CHARS_MAX = 65_536;

  private final Database database;
  private final InstantSource clock;

  public ModelCatalogue(Database database, InstantSource clock) {
    this.database = database;
    this.clock = clock;
  }

  /** Where a version stands. */
  public enum VersionState {
    TRAINING,
    READY,
    FAILED
  }

  /** What an operator asked a teacher to be. */
  public record Training(String data, String network, double width, int epochs, long seed) {}

  /**
   * One version of a model.
   *
   * @param rehearsalOf the version that this one harms on purpose, when it does
   */
  public record Version(
      VersionId key,
      VersionState state,
      OptionalLong rehearsalOf,
      Training training,
      Outcome outcome) {}

  /** A version's name. */
  public record VersionId(String model, long version) {
    @Override
    public String toString() {
      return model + "@" + version;
    }
  }

  /**
   * What training left behind.
   *
   * @param directory the teacher's model directory; empty until it is trained
   * @param reportJson the lab's own JSON about the teacher; empty until it is trained
   */
  public record Outcome(String directory, String reportJson, Instant createdAt) {}

  /** The artifact of one hardware class; {@code summaryJson} is what people compare variants by. */
  public record Variant(
      VersionId key,
      String hardwareClass,
      Digest digest,
      long releaseCounter,
      String summaryJson) {}

  /**
   * What the latest tailoring of a version decided for one class.
   *
   * @param decisionsJson at most {@link #DECISIONS_CHARS_MAX} characters
   */
  public record Tailoring(String hardwareClass, String decisionsJson, Instant at) {}

  /**
   * Adds the next version of a model, and the model itself when it is new, in the caller's
   * transaction.
   */
  static VersionId addVersion(
      Handle h, Instant now, String model, Training training, OptionalLong rehearsalOf) {
    h.createUpdate(
            "INSERT INTO model(name, release_counter, created_at) VALUES (:m, 0, :now)"
                + " ON CONFLICT DO NOTHING")
        .bind("m", model)
        .bind("now", Database.sql(now))
        .execute();
    // The model's row serialises its versions.
    h.createQuery("SELECT name FROM model WHERE name = :m FOR UPDATE")
        .bind("m", model)
        .mapTo(String.class)
        .one();
    long version =
        h.createQuery("SELECT COALESCE(MAX(version), 0) + 1 FROM model_version WHERE model = :m")
            .bind("m", model)
            .mapTo(Long.class)
            .one();
    if (version > VERSIONS_MAX) {
      throw new CoordinatorException(
          ErrorCategory.EXHAUSTED,
          "cannot add a version to model " + model,
          "it has " + VERSIONS_MAX + " versions already",
          "use a new model name");
    }
    h.createUpdate(
            "INSERT INTO model_version(model, version, state, rehearsal_of, data, network, width,"
                + " epochs, seed, created_at) VALUES (:m, :v, 'TRAINING', :of, :data, :network,"
                + " :width, :epochs, :seed, :now)")
        .bind("m", model)
        .bind("v", version)
        .bind("of", rehearsalOf.isPresent() ? (Long) rehearsalOf.getAsLong() : null)
        .bind("data", training.data())
        .bind("network", training.network())
        .bind("width", training.width())
        .bind("epochs", training.epochs())
        .bind("seed", training.seed())
        .bind("now", Database.sql(now))
        .execute();
    return new VersionId(model, version);
  }

  static void finishVersion(
      Handle h, VersionId key, VersionState state, Optional<String> directory, String reportJson) {
    h.createUpdate(
            "UPDATE model_version SET state = :state, directory = :dir, report = :report"
                + " WHERE model = :m AND version = :v AND state = 'TRAINING'")
        .bind("state", state.name())
        .bind("dir", directory.orElse(null))
        .bind("report", reportJson)
        .bind("m", key.model())
        .bind("v", key.version())
        .execute();
  }

  static void putVariant(Handle h, Instant now, Variant variant) {
    h.createUpdate(
            "DELETE FROM variant WHERE model = :m AND version = :v AND hardware_class = :class")
        .bind("m", variant.key().model())
        .bind("v", variant.key().version())
        .bind("class", variant.hardwareClass())
        .execute();
    h.createUpdate(
            "INSERT INTO variant(model, version, hardware_class, digest, release_counter, summary,"
                + " created_at) VALUES (:m, :v, :class, :digest, :counter, :summary, :now)")
        .bind("m", variant.key().model())
        .bind("v", variant.key().version())
        .bind("class", variant.hardwareClass())
        .bind("digest", variant.digest().sha256Hex())
        .bind("counter", variant.releaseCounter())
        .bind("summary", variant.summaryJson())
        .bind("now", Database.sql(now))
        .execute();
  }

  /**
   * The next release counter of a logical model. Rises with every call and never falls; a counter
   * that is taken and then not used leaves a gap, which harms nothing.
   */
  public long nextRelease(String model) {
    return database.write(
        h -> {
          int updated =
              h.createUpdate(
                      "UPDATE model SET release_counter = release_counter + 1 WHERE name = :m")
                  .bind("m", model)
                  .execute();
          if (updated == 0) {
            throw unknown("model " + model);
          }
          return h.createQuery("SELECT release_counter FROM model WHERE name = :m")
              .bind("m", model)
              .mapTo(Long.class)
              .one();
        });
  }

  /** Every model's name, sorted. */
  public List<String> models() {
    return database.read(
        h -> h.createQuery("SELECT name FROM model ORDER BY name").mapTo(String.class).list());
  }

  /** The versions of a model, oldest first. */
  public List<Version> versions(String model) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM model_version WHERE model = :m ORDER BY version")
                .bind("m", model)
                .map((rs, ctx) -> version(rs))
                .list());
  }

  public Optional<Version> version(VersionId key) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM model_version WHERE model = :m AND version = :v")
                .bind("m", key.model())
                .bind("v", key.version())
                .map((rs, ctx) -> version(rs))
                .findOne());
  }

  /** The variants of a version, by hardware class. */
  public List<Variant> variants(VersionId key) {
    return database.read(
        h ->
            h.createQuery(
                    "SELECT * FROM variant WHERE model = :m AND version = :v"
                        + " ORDER BY hardware_class")
                .bind("m", key.model())
                .bind("v", key.version())
                .map((rs, ctx) -> variant(rs))
                .list());
  }

  /** The variant that a digest names, if any. */
  public Optional<Variant> variant(Digest digest) {
    return database.read(
        h ->
            h.createQuery("SELECT * FROM variant WHERE digest = :d ORDER BY model, version LIMIT 1")
                .bind("d", digest.sha256Hex())
                .map((rs, ctx) -> variant(rs))
                .findOne());
  }

  /** Stores variants outside of a job, e.g. ones imported by hand. */
  public void putVariants(List<Variant> variants) {
    Instant now = clock.instant();
    database.update(h -> variants.forEach(variant -> putVariant(h, now, variant)));
  }

  /**
   * Keeps what a tailoring decided, by hardware class, in place of what an earlier one did; classes
   * that it was not asked for keep theirs.
   */
  public void putTailorings(VersionId key, Map<String, String> decisionsByClass) {
    Instant now = clock.instant();
    database.update(
        h ->
            decisionsByClass.forEach(
                (hardwareClass, decisions) -> {
                  h.createUpdate(
                          "DELETE FROM tailoring"
                              + " WHERE model = :m AND version = :v AND hardware_class = :class")
                      .bind("m", key.model())
                      .bind("v", key.version())
                      .bind("class", hardwareClass)
                      .execute();
                  h.createUpdate(
                          "INSERT INTO tailoring(model, version, hardware_class, decisions, at)"
                              + " VALUES (:m, :v, :class, :decisions, :now)")
                      .bind("m", key.model())
                      .bind("v", key.version())
                      .bind("class", hardwareClass)
                      .bind("decisions", decisions)
                      .bind("now", Database.sql(now))
                      .execute();
                }));
  }

  /** What the latest tailoring of each class decided, by hardware class. */
  public List<Tailoring> tailorings(VersionId key) {
    return database.read(
        h ->
            h.createQuery(
                    "SELECT * FROM tailoring WHERE model = :m AND version = :v"
                        + " ORDER BY hardware_class")
                .bind("m", key.model())
                .bind("v", key.version())
                .map(
                    (rs, ctx) ->
                        new Tailoring(
                            rs.getString("hardware_class"),
                            rs.getString("decisions"),
                            rs.getObject("at", OffsetDateTime.class).toInstant()))
                .list());
  }

  private static Version version(ResultSet rs) throws SQLException {
    long of = rs.getLong("rehearsal_of");
    OptionalLong rehearsalOf = rs.wasNull() ? OptionalLong.empty() : OptionalLong.of(of);
    return new Version(
        new VersionId(rs.getString("model"), rs.getLong("version")),
        VersionState.valueOf(rs.getString("state")),
        rehearsalOf,
        new Training(
            rs.getString("data"),
            rs.getString("network"),
            rs.getDouble("width"),
            rs.getInt("epochs"),
            rs.getLong("seed")),
        new Outcome(
            Optional.ofNullable(rs.getString("directory")).orElse(""),
            Optional.ofNullable(rs.getString("report")).orElse(""),
            rs.getObject("created_at", OffsetDateTime.class).toInstant()));
  }

  private static Variant variant(ResultSet rs) throws SQLException {
    return new Variant(
        new VersionId(rs.getString("model"), rs.getLong("version")),
        rs.getString("hardware_class"),
        new Digest(rs.getString("digest")),
        rs.getLong("release_counter"),
        rs.getString("summary"));
  }

  private static CoordinatorException unknown(String what) {
    return new CoordinatorException(
        ErrorCategory.NOT_FOUND,
        "cannot find " + what,
        "no such model is on record",
        "list models");
  }
}
