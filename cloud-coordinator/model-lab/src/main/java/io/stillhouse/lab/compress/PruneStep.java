package io.stillhouse.lab.compress;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.Progress;
import io.stillhouse.lab.export.BatchNormFolding;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.recipe.Compression.Importance;
import io.stillhouse.model.recipe.Compression.Prune;
import io.stillhouse.model.recipe.Selection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Carries out a pruning step: looks for what goes, removes it, trains on; in rounds. */
final class PruneStep {
  /** Batches whose gradients a Taylor score is the mean of. */
  static final int GRADIENT_BATCHES = 16;

  private final StepContext context;

  PruneStep(StepContext context) {
    this.context = context;
  }

  /**
   * A pruned network.
   *
   * @param groups channels of each group before and after, for the report
   * @param sensitivity what trying layers showed, if the step asked for it
   * @param alone each group that was pruned, pruned as far alone
   */
  record Pruned(
      Network network,
      List<Map<String, Object>> groups,
      Optional<SensitivityTable> sensitivity,
      List<LayerTrials.Trial> alone) {
    Pruned {
      groups = List.copyOf(groups);
      alone = List.copyOf(alone);
    }
  }

  /** Refuses when no channel at all goes. */
  Pruned run(Network network, Prune asked, Progress progress) {
    try {
      Optional<SensitivityTable> table = Optional.empty();
      Prune step = asked;
      if (asked.selection().scope() == Selection.Scope.SENSITIVITY) {
        // Wishes for layers are checked before an hour is spent on trying them.
        ChannelBudget unused = new ChannelBudget(asked, network.graph());
        SensitivityTable found = sensitivity(network, asked.importance(), progress.part(0, 0.2));
        table = Optional.of(found);
        step = PruningSensitivity.ratios(found, PruningGroups.of(network.graph()), asked);
      }
      Rounds done = rounds(network, step, progress.part(table.isPresent() ? 0.2 : 0, 1));
      Map<PruningGroup, Integer> left = left(network.graph(), done.network().graph());
      return new Pruned(
          done.network(), channels(left), table, alone(network, left, done.firstScores()));
    } catch (IllegalArgumentException e) {
      throw new LabException(
          "recipe step prune",
          String.valueOf(e.getMessage()),
          "Change the step, or leave it out for this network",
          e);
    }
  }

  /** Accuracy on training images with each group of channels alone pruned. */
  SensitivityTable sensitivity(Network network, Importance importance, Progress progress) {
    Validation validation = new Validation(context.data(), context.teacher().preprocessing());
    return PruningSensitivity.measure(
        network, scores(network, importance, 1, progress), validation, progress);
  }

  /** One round and no training; the same layers where no channel goes. */
  Network untrained(Network network, Prune step) {
    ChannelScores scores = scores(network, step.importance(), 1, Progress.none());
    ChannelBudget budget = new ChannelBudget(step, network.graph());
    return ChannelPruner.compact(network, ChannelPruner.select(network, budget, 1, scores));
  }

  /** What all rounds left, and what channels were worth before the first. */
  private record Rounds(Network network, ChannelScores firstScores) {}

  private Rounds rounds(Network network, Prune step, Progress progress) {
    ChannelBudget budget = new ChannelBudget(step, network.graph());
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    int rounds = step.selection().rounds();
    Network now = network;
    @Nullable ChannelScores first = null;
    for (int round = 1; round <= rounds; round++) {
      Progress part = progress.part((round - 1.0) / rounds, (double) round / rounds);
      ChannelScores scores = scores(now, step.importance(), round, part.part(0, 0.1));
      first = first == null ? scores : first;
      // Known from the start, before anything is trained, unless channels are compared by scores
      // that training changes.
      boolean hopeless = round == 1 && keepsAll(budget.after(rounds, groups, scores));
      now = ChannelPruner.compact(now, ChannelPruner.select(now, budget, round, scores));
      if (hopeless || (round == rounds && now.graph().equals(network.graph()))) {
        throw nothingGoes(network.graph().name(), step, groups);
      }
      int epochs = step.epochs() * round / rounds - step.epochs() * (round - 1) / rounds;
      now = context.fineTune(now, epochs, part.part(0.1, 1));
    }
    return new Rounds(now, Objects.requireNonNull(first, "there is a first round"));
  }

  private static boolean keepsAll(Map<PruningGroup, Integer> kept) {
    return kept.entrySet().stream().allMatch(e -> e.getKey().channels() == e.getValue());
  }

  private static LabException nothingGoes(String network, Prune step, List<PruningGroup> groups) {
    if (groups.isEmpty()) {
      return new LabException(
          "recipe step prune", network + " has no channels that can go", "Leave the step out");
    }
    return new LabException(
        "recipe step prune",
        "no channel goes: at ratio %s, rounded to multiples of %d, all %d groups of %s stay as they are, the widest with %d channels"
            .formatted(
                step.ratio(),
                step.roundTo(),
                groups.size(),
                network,
                groups.stream().mapToInt(PruningGroup::channels).max().orElse(0)),
        "Use a higher ratio or a smaller roundTo, or leave the step out");
  }

  /** Channels of each group after pruning. */
  private static Map<PruningGroup, Integer> left(NetworkGraph before, NetworkGraph after) {
    Map<Object, Integer> counts = new HashMap<>();
    PruningGroups.of(after).forEach(group -> counts.put(group.makeUp(), group.channels()));
    Map<PruningGroup, Integer> left = new LinkedHashMap<>();
    for (PruningGroup group : PruningGroups.of(before)) {
      left.put(group, counts.getOrDefault(group.makeUp(), group.channels()));
    }
    return left;
  }

  private static List<Map<String, Object>> channels(Map<PruningGroup, Integer> left) {
    List<Map<String, Object>> rows = new ArrayList<>();
    left.forEach(
        (group, count) -> {
          Map<String, Object> row = new LinkedHashMap<>();
          row.put("layer", group.name());
          row.put("channelsBefore", group.channels());
          row.put("channelsAfter", count);
          rows.add(row);
        });
    return rows;
  }

  private static List<LayerTrials.Trial> alone(
      Network network, Map<PruningGroup, Integer> left, ChannelScores scores) {
    List<PruningGroup> groups = List.copyOf(left.keySet());
    List<LayerTrials.Trial> trials = new ArrayList<>();
    left.forEach(
        (group, count) -> {
          if (count < group.channels()) {
            trials.add(
                new LayerTrials.Trial(
                    group.name(),
                    1 - (double) count / group.channels(),
                    () ->
                        ChannelPruner.compact(
                            network, PruningSensitivity.alone(group, groups, count, scores))));
          }
        });
    return trials;
  }

  private ChannelScores scores(
      Network network, Importance importance, int round, Progress progress) {
    if (importance != Importance.TAYLOR) {
      return ChannelScores.of(network, importance, context.seed() + round);
    }
    return ChannelScores.taylor(
        network,
        context.trainer().gradients(BatchNormFolding.fold(network), GRADIENT_BATCHES, progress));
  }
}
