package io.stillhouse.server.storage;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.stillhouse.server.failure.CoordinatorException;
import io.stillhouse.server.failure.ErrorCategory;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.function.LongSupplier;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.HandleConsumer;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;
import org.jspecify.annotations.Nullable;

/**
 * A bounded pool of connections to a migrated database. Calls block: never make one on an event
 * loop. Thread-safe.
 */
public final class Database implements AutoCloseable {
  /** Enough for the engine, the job supervisor and the request executors of one coordinator. */
  private static final int CONNECTIONS_MAX = 12;

  private static final Duration CONNECTION_WAIT = Duration.ofSeconds(10);

  private final HikariDataSource pool;
  private final Jdbi jdbi;

  private Database(HikariDataSource pool) {
    this.pool = pool;
    this.jdbi = Jdbi.create(pool);
  }

  /** Where the database is; an empty user and password suit the embedded one. */
  public record Address(String url, String user, String password) {
    /** The embedded database in a directory. */
    public static Address embedded(Path directory) {
      return new Address(
          "jdbc:h2:file:"
              + directory.toAbsolutePath().resolve("stillhouse")
              + ";MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE;DEFAULT_NULL_ORDERING=HIGH"
              // A commit is written when it returns, not up to half a second later.
              + ";WRITE_DELAY=0"
              // Closed by us, after those who still write in a stop in good order.
              + ";DB_CLOSE_ON_EXIT=FALSE",
          "",
          "");
    }

    @Override
    public String toString() {
      return url;
    }
  }

  /**
   * Connects and migrates.
   *
   * @throws CoordinatorException when the database cannot be reached, is in use or cannot be
   *     migrated
   */
  public static Database open(Address address) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(address.url());
    config.setUsername(address.user());
    config.setPassword(address.password());
    config.setMaximumPoolSize(CONNECTIONS_MAX);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(CONNECTION_WAIT.toMillis());
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    config.setPoolName("stillhouse-db");
    HikariDataSource pool;
    try {
      pool = new HikariDataSource(config);
    } catch (com.zaxxer.hikari.pool.HikariPool.PoolInitializationException e) {
      throw unreachable(address, e);
    }
    try {
      Flyway.configure().dataSource(pool).locations("classpath:db/migration").load().migrate();
    } catch (FlywayException e) {
      pool.close();
      throw new CoordinatorException(
          ErrorCategory.UNAVAILABLE,
          "cannot migrate the database " + address,
          String.valueOf(e.getMessage()),
          "use the coordinator version that made it, or restore a backup",
          e);
    }
    return new Database(pool);
  }

  /**
   * Time as the database tells it, so that all coordinators of one fleet share a clock. It is asked
   * once a second; in between, this machine's monotonic clock counts on. It never goes backwards
   * within this process, whatever the database's machine does.
   *
   * @param nanos monotonic
   */
  public InstantSource storeClock(LongSupplier nanos) {
    return new StoreClock(
        () ->
            jdbi.withHandle(
                h ->
                    h.createQuery("SELECT CURRENT_TIMESTAMP")
                        .mapTo(OffsetDateTime.class)
                        .one()
                        .toInstant()),
        nanos);
  }

  /** Returns when the database answers and throws when it does not. */
  public void ask() {
    int one = jdbi.withHandle(h -> h.createQuery("SELECT 1").mapTo(Integer.class).one());
    if (one != 1) {
      throw new IllegalStateException("SELECT 1: " + one + " (expected: 1)");
    }
  }

  /** Whether a failure means that the database could not be reached or went away meanwhile. */
  public static boolean away(@Nullable Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLTransientConnectionException
          || cause instanceof SQLNonTransientConnectionException
          || cause instanceof SQLRecoverableException) {
        return true;
      }
      // 08: connection exceptions; 57P: the server is shutting down or starting up.
      if (cause instanceof SQLException sql
          && sql.getSQLState() != null
          && (sql.getSQLState().startsWith("08") || sql.getSQLState().startsWith("57P"))) {
        return true;
      }
    }
    return false;
  }

  <R extends @Nullable Object, X extends Exception> R read(HandleCallback<R, X> callback) throws X {
    return jdbi.withHandle(callback);
  }

  /** Several reads that see the database at one moment. */
  <R extends @Nullable Object, X extends Exception> R consistentRead(HandleCallback<R, X> callback)
      throws X {
    return jdbi.inTransaction(TransactionIsolationLevel.REPEATABLE_READ, callback);
  }

  /** One transaction: all of it happens, or none. */
  <R extends @Nullable Object, X extends Exception> R write(HandleCallback<R, X> callback)
      throws X {
    return jdbi.inTransaction(callback);
  }

  <X extends Exception> void update(HandleConsumer<X> consumer) throws X {
    jdbi.useTransaction(consumer);
  }

  static OffsetDateTime sql(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }

  /** Appends to the audit trail inside the caller's transaction. */
  static void event(Handle h, Instant at, Event event) {
    h.createUpdate(
            "INSERT INTO event(at, actor, kind, subject, detail)"
                + " VALUES (:at, :actor, :kind, :subject, :detail)")
        .bind("at", sql(at))
        .bind("actor", Texts.clip(event.actor(), 64))
        .bind("kind", Texts.clip(event.kind(), 64))
        .bind("subject", Texts.clip(event.subject(), 200))
        .bind("detail", Texts.clip(event.detail(), 4_000))
        .execute();
  }

  @Override
  public void close() {
    pool.close();
  }

  private static CoordinatorException unreachable(Address address, Exception cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return new CoordinatorException(
        ErrorCategory.UNAVAILABLE,
        "cannot open the database " + address,
        String.valueOf(root.getMessage()),
        "check the address and credentials, and that no other coordinator uses the embedded one",
        cause);
  }
}
