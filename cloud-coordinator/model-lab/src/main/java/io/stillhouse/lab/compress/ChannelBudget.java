package io.stillhouse.lab.compress;

import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Selection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How many channels of each group stay, in each round of a pruning step. Shares are of the channels
 * before the first round, so that rounding does not add up.
 */
final class ChannelBudget {
  /** Comparison over the whole network leaves every group this share: less cuts the path. */
  static final double GLOBAL_SHARE_MIN = 0.1;

  private final Prune step;

  /** Channels before the first round, by what the group is made up of. */
  private final Map<Object, Integer> whole = new HashMap<>();

  /** Ratios that were asked for by name, by what the group is made up of. */
  private final Map<Object, Double> asked = new HashMap<>();

  /** Refuses ratios for layers that make no prunable channels. */
  ChannelBudget(Prune step, NetworkGraph graph) {
    this.step = step;
    Map<String, Double> wishes = step.selection().layerRatios();
    Set<String> known = new LinkedHashSet<>();
    List<PruningGroup> groups = PruningGroups.of(graph);
    Set<String> groupNames = groups.stream().map(PruningGroup::name).collect(Collectors.toSet());
    for (PruningGroup group : groups) {
      whole.put(group.makeUp(), group.channels());
      List<String> names = new ArrayList<>(group.makers());
      names.add(group.name());
      known.addAll(names);
      boolean named = wishes.containsKey(group.name());
      for (String name : names) {
        Double ratio = wishes.get(name);
        // Groups may share a maker, and one of them its name: that ratio is not the others' where
        // they have their own.
        boolean others = named && !name.equals(group.name()) && groupNames.contains(name);
        if (ratio != null && !others) {
          // Layers of one group share their channels; the most careful wish counts.
          asked.merge(group.makeUp(), ratio, Math::min);
        }
      }
    }
    if (!known.containsAll(wishes.keySet())) {
      throw new IllegalArgumentException(
          "layers: %s makes no channels that can go (expected: some of %s)"
              .formatted(
                  wishes.keySet().stream().filter(n -> !known.contains(n)).sorted().toList(),
                  known));
    }
  }

  /**
   * Channels that stay of {@code channels}: the nearest multiple of {@code roundTo} to the exact
   * share, at least one multiple, never more than there are.
   */
  static int keep(int channels, double ratio, int roundTo) {
    return rounded((1 - ratio) * channels, channels, roundTo);
  }

  private static int rounded(double exact, int channels, int roundTo) {
    long multiples = Math.round(exact / roundTo);
    return (int) Math.min(channels, Math.max(1, multiples) * roundTo);
  }

  /**
   * The channels that stay after a round.
   *
   * @param groups of the network as it is now
   * @param round counted from 1
   */
  Map<PruningGroup, Integer> after(int round, List<PruningGroup> groups, ChannelScores scores) {
    Map<PruningGroup, Integer> counts = new LinkedHashMap<>();
    List<PruningGroup> compared = new ArrayList<>();
    for (PruningGroup group : groups) {
      Double ratio = asked.get(group.makeUp());
      if (ratio == null && step.selection().scope() == Selection.Scope.GLOBAL) {
        compared.add(group);
      }
      if (ratio != null && ratio == 0) {
        counts.put(group, group.channels());
        continue;
      }
      double exact = (1 - share(ratio == null ? step.ratio() : ratio, round)) * whole(group);
      counts.put(group, Math.min(group.channels(), rounded(exact, whole(group), step.roundTo())));
    }
    counts.putAll(global(compared, scores, round));
    return counts;
  }

  /** Share of the first network's channels that is gone after a round. */
  private double share(double ratio, int round) {
    return 1 - Math.pow(1 - ratio, (double) round / step.selection().rounds());
  }

  private record Channel(PruningGroup group, double score) {}

  private Map<PruningGroup, Integer> global(
      List<PruningGroup> groups, ChannelScores scores, int round) {
    List<Channel> channels = new ArrayList<>();
    Map<PruningGroup, Integer> left = new LinkedHashMap<>();
    int total = 0;
    for (PruningGroup group : groups) {
      for (double score : scores.of(group)) {
        channels.add(new Channel(group, score));
      }
      left.put(group, group.channels());
      total += whole(group);
    }
    long goes = channels.size() - Math.round((1 - share(step.ratio(), round)) * total);
    // The sort is stable: of equal scores the later layer's stay, so that a tie has one outcome.
    channels.sort(Comparator.comparingDouble(Channel::score));
    for (Channel channel : channels) {
      int now = left.getOrDefault(channel.group(), 0);
      if (goes > 0 && now > Math.max(1, Math.ceil(GLOBAL_SHARE_MIN * whole(channel.group())))) {
        left.put(channel.group(), now - 1);
        goes--;
      }
    }
    left.replaceAll((group, exact) -> rounded(exact, group.channels(), step.roundTo()));
    return left;
  }

  private int whole(PruningGroup group) {
    return whole.getOrDefault(group.makeUp(), group.channels());
  }
}
