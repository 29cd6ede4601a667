/** What an operator may set, read from YAML and checked before anything starts. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.config;
