/**
 * Makes a network smaller: finds the channels that belong together and removes them, and finds the
 * ranges at which 8-bit numbers stand for its activations.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.compress;
