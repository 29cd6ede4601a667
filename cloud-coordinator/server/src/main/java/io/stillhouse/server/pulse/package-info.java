/** Whether the parts of a coordinator do their work, for {@code /healthz}. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.pulse;
