/** Numbers about the coordinator and its fleet, for Prometheus. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.metrics;
