package io.stillhouse.lab.compress;

import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Channels that can only go together. A group has {@code channels} units of equal make-up; removing
 * unit i means removing all channels of unit i from all members. In most groups a unit is channel i
 * of each member; concatenation shifts it, and grouped convolutions and shuffles give a unit
 * several channels of one layer.
 *
 * @param channels how many units there are
 * @param makers convolutions and linear layers whose output channels they are
 * @param followers depthwise convolutions, normalisations and paddings that work channel by channel
 * @param readers convolutions and linear layers whose input channels they are; a linear layer
 *     behind a flatten reads several features of each
 * @param places for each maker and follower its output channels in this group, unit by unit, the
 *     same number of each
 */
public record PruningGroup(
    int channels,
    List<String> makers,
    List<String> followers,
    List<String> readers,
    Map<String, List<Integer>> places) {
  public PruningGroup {
    makers = List.copyOf(makers);
    followers = List.copyOf(followers);
    readers = List.copyOf(readers);
    Map<String, List<Integer>> copied = new LinkedHashMap<>();
    places.forEach((node, at) -> copied.put(node, List.copyOf(at)));
    places = Collections.unmodifiableMap(copied);
  }

  /**
   * What tells this group from all others of its network: its first maker, with the first of its
   * channels behind it unless the group begins with all channels up to some number.
   */
  public String name() {
    String first = makers.get(0);
    List<Integer> at = places(first);
    boolean leading = at.stream().allMatch(channel -> channel < at.size());
    return leading ? first : first + "[" + Collections.min(at) + "]";
  }

  /**
   * What each unit consists of. Unlike the name it stays when units are removed, and like it no two
   * groups of a network have the same.
   */
  Object makeUp() {
    Map<String, Integer> counts = new HashMap<>();
    places.forEach((member, at) -> counts.put(member, at.size() / channels));
    return List.of(makers, followers, readers, counts);
  }

  /** Output channels of {@code unit} in a maker or follower. */
  public List<Integer> places(String member, int unit) {
    List<Integer> all = places(member);
    int each = all.size() / channels;
    return all.subList(unit * each, (unit + 1) * each);
  }

  /**
   * The values of a maker or follower that belong to this group, unit by unit: of {@code channels}
   * equal runs, run i belongs to unit i.
   *
   * @param values one row per output channel of the whole member
   * @param rows how many rows that are
   */
  public float[] unitsOf(String member, float[] values, int rows) {
    List<Integer> at = places(member);
    int each = values.length / rows;
    float[] own = new float[at.size() * each];
    for (int i = 0; i < at.size(); i++) {
      System.arraycopy(values, at.get(i) * each, own, i * each, each);
    }
    return own;
  }

  private List<Integer> places(String member) {
    List<Integer> at = places.get(member);
    if (at == null) {
      throw new IllegalArgumentException(member + " makes or follows no channel of the group");
    }
    return at;
  }
}
