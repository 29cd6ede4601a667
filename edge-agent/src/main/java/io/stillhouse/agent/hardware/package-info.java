/** Measures what this device is: board, processor, memory, accelerators, and how fast it infers. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.hardware;
