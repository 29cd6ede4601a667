/**
 * Starts the real programs and talks to them as any client would: their launchers, the operators'
 * API and the agents' inference API. What the quickstart tells and what the system tests break.
 */
@NullMarked
package io.stillhouse.drive;

import org.jspecify.annotations.NullMarked;
