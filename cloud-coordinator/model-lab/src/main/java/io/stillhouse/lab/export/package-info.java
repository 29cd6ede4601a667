/**
 * Writes networks as ONNX files: float32 with batch normalisation folded in, or 8-bit with
 * quantize-dequantize pairs placed so that the runtime fuses every layer. Equal networks give equal
 * bytes.
 */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.export;
