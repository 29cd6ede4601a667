package io.stillhouse.lab;

import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Preprocessing;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.ModelStore;
import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.StoredModel;
import io.stillhouse.model.Digest;
import io.stillhouse.model.graph.NetworkGraph;
import io.stillhouse.model.network.NetworkCatalog;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where a training begins. What is wrong with it is said before data is read, where it can be. */
interface TrainingStart {
  /** Weights to begin with. */
  Network network(Dataset data, long seed);

  /** How pixels are scaled. */
  Preprocessing preprocessing(Dataset data);

  /**
   * Learning rate as a share of what suits the data, for a network with normalisation or without.
   */
  double rateShare(boolean normalised);

  /** What it is, for the provenance. */
  Map<String, Object> recipe();

  /** Refuses names and folders that are not there with an exception of one line. */
  static TrainingStart of(TrainRequest.Start start) {
    if (start instanceof TrainRequest.Start.Named named) {
      return new Chance(named);
    }
    TrainRequest.Start.Stored stored = (TrainRequest.Start.Stored) start;
    return new Further(
        stored, ModelStore.read(stored.directory()), ModelStore.weightsDigest(stored.directory()));
  }

  /** A network of the catalogue, untrained. */
  record Chance(TrainRequest.Start.Named named) implements TrainingStart {
    private static final double RATE_SHARE_WITHOUT_NORM = 0.1;

    public Chance {
      NetworkCatalog.Entry entry = NetworkCatalog.entry(named.network());
      NetworkGraph unused =
          NetworkCatalog.build(named.network(), entry.input(), entry.classes(), named.width());
    }

    @Override
    public Network network(Dataset data, long seed) {
      return RandomWeights.of(
          NetworkCatalog.build(named.network(), data.shape(), data.classes(), named.width()), seed);
    }

    @Override
    public Preprocessing preprocessing(Dataset data) {
      return Preprocessing.measured(data.train());
    }

    /** Without normalisation the usual rate silences a network's units in the first epoch. */
    @Override
    public double rateShare(boolean normalised) {
      return normalised ? 1 : RATE_SHARE_WITHOUT_NORM;
    }

    @Override
    public Map<String, Object> recipe() {
      Map<String, Object> recipe = new LinkedHashMap<>();
      recipe.put("network", named.network());
      recipe.put("width", named.width());
      return recipe;
    }
  }

  /** A model that was trained or imported before. */
  record Further(TrainRequest.Start.Stored stored, StoredModel model, Digest weights)
      implements TrainingStart {
    private static final double RATE_SHARE = 0.25;

    /** Without normalisation a high rate ends a trained network in a few steps. */
    private static final double RATE_SHARE_WITHOUT_NORM = 0.025;

    @Override
    public Network network(Dataset data, long seed) {
      NetworkGraph graph = model.network().graph();
      if (!graph.input().equals(data.shape()) || !model.labels().equals(data.labels())) {
        throw new LabException(
            "model " + stored.directory(),
            "it takes %s of classes %s, the data has %s of %s"
                .formatted(graph.input(), model.labels(), data.shape(), data.labels()),
            "Use data of its images and classes");
      }
      return model.network();
    }

    @Override
    public Preprocessing preprocessing(Dataset data) {
      return model.preprocessing();
    }

    @Override
    public double rateShare(boolean normalised) {
      return normalised ? RATE_SHARE : RATE_SHARE_WITHOUT_NORM;
    }

    @Override
    public Map<String, Object> recipe() {
      Map<String, Object> recipe = new LinkedHashMap<>();
      recipe.put("from", weights.sha256Hex());
      recipe.put("network", model.network().graph().name());
      return recipe;
    }
  }
}
