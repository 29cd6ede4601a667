/**
 * Runs the live model: ONNX Runtime sessions, atomic swap under load, and what was counted while a
 * model was live. The only package that knows ONNX Runtime.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.agent.inference;
