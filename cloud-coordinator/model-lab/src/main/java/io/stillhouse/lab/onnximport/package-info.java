/**
 * Networks that were trained elsewhere: an ONNX file becomes a graph and its weights, or is refused
 * with the operator that has no counterpart. {@link io.stillhouse.lab.onnximport.OnnxImport} is the
 * door.
 */
@NullMarked
package io.stillhouse.lab.onnximport;

import org.jspecify.annotations.NullMarked;
