/**
 * One job of the lab as a process: reads an order from a folder, does it, says on standard output
 * how it goes. What it says and when it ends is the contract with the coordinator's supervisor.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.worker;
