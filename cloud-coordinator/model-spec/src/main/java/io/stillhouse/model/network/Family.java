package io.stillhouse.model.network;

import io.stillhouse.model.graph.ImageShape;

/**
 * A network family as data.
 *
 * @param summary one line for people
 * @param quoted what it is usually quoted with
 * @param rounding of scaled channels
 */
record Family(String name, String summary, Quoted quoted, Scale.Rounding rounding, Forms forms) {

  /**
   * Input and classes of the published figures.
   *
   * @param windows whether one side may be 1: a window of sensor values over time
   */
  record Quoted(ImageShape input, int classes, boolean windows) {
    static final Quoted IMAGENET = image("3x224x224", 1000);

    static Quoted image(String input, int classes) {
      return new Quoted(ImageShape.parse(input), classes, false);
    }
  }
}
