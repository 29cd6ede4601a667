/**
 * The lab's job queue and its child processes: training and tailoring never run in the coordinator.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.training;
