/** The edge agent process: wires link, artifacts, inference and telemetry together. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent;
