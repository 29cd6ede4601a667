/**
 * Lab workers on other machines: a job's folders go to whoever takes it, and its result comes back.
 * A worker is heard of every second; one that falls silent costs an attempt, as a crash does.
 */
@NullMarked
package io.stillhouse.server.remote;

import org.jspecify.annotations.NullMarked;
