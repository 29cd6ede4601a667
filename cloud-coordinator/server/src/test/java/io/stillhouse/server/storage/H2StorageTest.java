package io.stillhouse.server.storage;

import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

class H2StorageTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  private int databases;

  private Database connect() {
    return Database.open(Database.Address.embedded(directory.resolve("db" + databases++)));
  }

  @Nested
  class Lab extends LabStorageSuite {
    @Override
    Database fresh() {
      return connect();
    }
  }

  @Nested
  class Fleet extends FleetStorageSuite {
    @Override
    Database fresh() {
      return connect();
    }
  }
}
