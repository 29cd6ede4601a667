package io.stillhouse.model.profile;

import io.stillhouse.model.Precision;

/**
 * A measured micro-kernel: how long a device takes for one well-known layer, single image.
 *
 * @param kernel kind of layer: {@code conv3x3}, {@code depthwise3x3}, {@code pointwise} or {@code
 *     linear}
 * @param macs multiply-accumulates of the layer
 * @param outputBytes bytes it writes, a proxy for memory traffic
 */
public record Probe(
    String kernel, Precision precision, long macs, long outputBytes, double p50Micros) {}
