/**
 * Numbers that learn: networks on the native tensor engine, their gradients and their optimiser.
 * The only package that sees the engine; its public methods take and give plain Java values.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.tensor;
