package io.stillhouse.server.storage;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class H2StorageTest extends StorageSuite {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @Override
  Database fresh() {
    return Database.open(Database.Address.embedded(directory));
  }
}
