package io.stillhouse.server.storage;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

class PostgresStorageTest {
  private static @Nullable EmbeddedPostgres postgres;
  private static int databases;

  @BeforeAll
  static void start() throws IOException {
    postgres = EmbeddedPostgres.builder().start();
  }

  @AfterAll
  static void stop() throws IOException {
    if (postgres != null) {
      postgres.close();
    }
  }

  private static Database connect() throws SQLException {
    EmbeddedPostgres running = java.util.Objects.requireNonNull(postgres, "postgres");
    String name = "suite" + databases++;
    try (Connection connection = running.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return Database.open(
        new Database.Address(running.getJdbcUrl("postgres", name), "postgres", ""));
  }

  @Nested
  class Lab extends LabStorageSuite {
    @Override
    Database fresh() throws SQLException {
      return connect();
    }
  }

  @Nested
  class Fleet extends FleetStorageSuite {
    @Override
    Database fresh() throws SQLException {
      return connect();
    }
  }
}
