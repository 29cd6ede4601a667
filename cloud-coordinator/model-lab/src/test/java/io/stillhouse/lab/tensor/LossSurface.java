package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.lab.testing.Networks;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.Optional;
import java.util.Random;

/** The loss of one batch in training mode, as a function of a network's weights. */
record LossSurface(
    TensorRuntime runtime,
    Optional<Network> teacher,
    Objective objective,
    LabelledBatch batch,
    Arithmetic arithmetic) {
  /** What chance decides in a step is the same everywhere, so that two losses can be compared. */
  private static final long STEP_SEED = 9;

  LossSurface(
      TensorRuntime runtime, Optional<Network> teacher, Objective objective, LabelledBatch batch) {
    this(runtime, teacher, objective, batch, Arithmetic.FP32);
  }

  LossSurface in(Arithmetic other) {
    return new LossSurface(runtime, teacher, objective, batch, other);
  }

  /** The gradient of each trained weight by its name, and the loss itself as {@code loss}. */
  Weights gradients(Network network) {
    Optional<GraphRunner> followed = teacher.map(t -> new GraphRunner(runtime, t, arithmetic));
    try (GraphRunner runner = new GraphRunner(runtime, network);
        SgdTrainer sgd = new SgdTrainer(runner, followed, objective, 0, arithmetic)) {
      return sgd.gradientsOf(batch, STEP_SEED);
    } finally {
      followed.ifPresent(GraphRunner::close);
    }
  }

  double loss(Network network) {
    return gradients(network).values("loss")[0];
  }

  /** The central difference of the loss over {@code step} to either side of one weight. */
  double difference(Network network, String name, int at, float step) {
    double up = loss(nudged(network, name, at, step));
    double down = loss(nudged(network, name, at, -step));
    return (up - down) / (2 * step);
  }

  private static Network nudged(Network network, String name, int at, float by) {
    float[] values = network.weights().values(name);
    values[at] += by;
    return new Network(
        network.graph(),
        network.weights().toBuilder().put(name, values, network.weights().shape(name)).build());
  }

  /** Noise for images, and each class in its turn. */
  static LabelledBatch batch(Network network, int count, long seed) {
    int each = Math.toIntExact(network.graph().input().elements());
    LabelledBatch batch = new LabelledBatch(count, each);
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      float[] image = Networks.image(network.graph().input(), random);
      System.arraycopy(image, 0, batch.images(), i * each, each);
      batch.labels()[i] = i % network.graph().classes();
    }
    return batch;
  }
}
