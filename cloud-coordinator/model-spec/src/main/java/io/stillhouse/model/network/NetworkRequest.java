package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.graph.NetworkGraph;

/**
 * Which network of the catalogue, for what.
 *
 * @param width multiple of the channel numbers, 1.0 for the published network
 */
public record NetworkRequest(String name, ImageShape input, int classes, double width, Stem stem) {

  /** The same at another width. */
  public NetworkRequest atWidth(double otherWidth) {
    return new NetworkRequest(name, input, classes, otherWidth, stem);
  }

  /** Builds it; see {@link NetworkCatalog#build(String, ImageShape, int, double, Stem)}. */
  public NetworkGraph build() {
    return NetworkCatalog.build(name, input, classes, width, stem);
  }
}
