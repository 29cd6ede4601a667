package io.stillhouse.server.storage;

import io.stillhouse.model.Digest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Columns that may be empty, and times. */
final class Rows {
  private Rows() {}

  static Optional<Digest> digest(ResultSet rs, String column) throws SQLException {
    return Optional.ofNullable(rs.getString(column)).map(Digest::new);
  }

  static @Nullable String hex(Optional<Digest> digest) {
    return digest.map(Digest::sha256Hex).orElse(null);
  }

  static OptionalLong number(ResultSet rs, String column) throws SQLException {
    long value = rs.getLong(column);
    return rs.wasNull() ? OptionalLong.empty() : OptionalLong.of(value);
  }

  static Instant time(ResultSet rs, String column) throws SQLException {
    return rs.getObject(column, OffsetDateTime.class).toInstant();
  }
}
