/**
 * The state of record: one SQL database, H2 or PostgreSQL, in the subset of SQL that both speak.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.storage;
