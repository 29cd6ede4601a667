package io.stillhouse.model.recipe;

/**
 * Which weights of a layer are zero: of every {@code group} neighbours along the input channels the
 * {@code kept} largest stay, or, with group 0, of the whole layer the share {@code 1 - ratio}.
 */
public record Sparsity(double ratio, int kept, int group) {
  /** Largest group: beyond it the pattern says no more than a ratio does. */
  public static final int GROUP_MAX = 32;

  public Sparsity {
    if (group == 0) {
      Expected.that(ratio > 0 && ratio < 1, "ratio", ratio, "0 < ratio < 1");
    } else {
      Expected.that(
          group >= 2 && group <= GROUP_MAX && kept >= 1 && kept < group,
          "pattern",
          kept + ":" + group,
          "N:M with 1 <= N < M <= " + GROUP_MAX);
    }
  }

  /** The smallest weights of each layer go, wherever they stand. */
  public static Sparsity share(double ratio) {
    return new Sparsity(ratio, 0, 0);
  }

  /** Of every {@code group} neighbours {@code kept} stay, e.g. 2:4. */
  public static Sparsity pattern(int kept, int group) {
    return new Sparsity(0, kept, group);
  }

  /** Parses {@code N:M}. */
  public static Sparsity parse(String pattern) {
    Expected.that(pattern.matches("\\d{1,3}:\\d{1,3}"), "pattern", pattern, "N:M, e.g. 2:4");
    int colon = pattern.indexOf(':');
    return pattern(
        Integer.parseInt(pattern.substring(0, colon)),
        Integer.parseInt(pattern.substring(colon + 1)));
  }
}
