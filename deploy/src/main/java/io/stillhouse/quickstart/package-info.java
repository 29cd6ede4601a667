/**
 * The quickstart: the whole story on one machine, told while it happens.
 *
 * <p>It starts the coordinator and three agents as ordinary processes and drives them through their
 * public interfaces only: what it does, an operator can do.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.quickstart;
