package io.stillhouse.lab.export;

/** What becomes of weights in an 8-bit file, as plain numbers. */
public final class Int8Weights {
  private Int8Weights() {}

  /**
   * The weights as the file will mean them: rounded to 255 levels per output channel.
   *
   * @param weight one run of values per output channel
   */
  public static float[] rounded(float[] weight, int channels) {
    float[] scales = Int8Coding.channelScales(weight, new float[channels], 1);
    float[] rounded = new float[weight.length];
    int each = weight.length / channels;
    for (int i = 0; i < weight.length; i++) {
      rounded[i] = Math.round(weight[i] / scales[i / each]) * scales[i / each];
    }
    return rounded;
  }
}
