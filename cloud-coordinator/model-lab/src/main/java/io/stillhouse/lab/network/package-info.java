/** A network with its weights, and how both are kept on disk. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.network;
