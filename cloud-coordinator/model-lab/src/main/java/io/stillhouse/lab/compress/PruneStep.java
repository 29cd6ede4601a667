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
import java.util.Optional;

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
   */
  record Pruned(
      Network network, List<Map<String, Object>> groups, Optional<SensitivityTable> sensitivity) {
    Pruned {
      groups = List.copyOf(groups);
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
      Network pruned = rounds(network, step, progress.part(table.isPresent() ? 0.2 : 0, 1));
      return new Pruned(pruned, channels(network.graph(), pruned.graph()), table);
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

  private Network rounds(Network network, Prune step, Progress progress) {
    ChannelBudget budget = new ChannelBudget(step, network.graph());
    List<PruningGroup> groups = PruningGroups.of(network.graph());
    int rounds = step.selection().rounds();
    Network now = network;
    for (int round = 1; round <= rounds; round++) {
      Progress part = progress.part((round - 1.0) / rounds, (double) round / rounds);
      ChannelScores scores = scores(now, step.importance(), round, part.part(0, 0.1));
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
    return now;
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

  private static List<Map<String, Object>> channels(NetworkGraph before, NetworkGraph after) {
    Map<Object, Integer> left = new HashMap<>();
    PruningGroups.of(after).forEach(group -> left.put(group.makeUp(), group.channels()));
    List<Map<String, Object>> rows = new ArrayList<>();
    for (PruningGroup group : PruningGroups.of(before)) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", group.name());
      row.put("channelsBefore", group.channels());
      row.put("channelsAfter", left.getOrDefault(group.makeUp(), group.channels()));
      rows.add(row);
    }
    return rows;
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
