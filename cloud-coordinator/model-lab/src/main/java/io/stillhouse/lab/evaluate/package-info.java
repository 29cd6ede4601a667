/**
 * Measures models as devices will run them: ONNX Runtime sessions, accuracy, latency, memory, and
 * whether an 8-bit file really runs in integers. The only package that sees ONNX Runtime.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.evaluate;
