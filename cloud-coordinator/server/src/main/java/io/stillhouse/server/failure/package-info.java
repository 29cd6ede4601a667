/** How the coordinator says no: one line for people, one category for machines. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.server.failure;
