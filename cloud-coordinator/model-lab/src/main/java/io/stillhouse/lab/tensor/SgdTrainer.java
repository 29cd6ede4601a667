package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabException;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Stochastic gradient descent with Nesterov momentum over the weights of a {@link GraphRunner},
 * which must outlive it. Weight decay acts on the multipliers of convolutions and linear layers
 * only. A batch is split over the runtime's threads; gradients are summed in a fixed order, so that
 * equal seeds and equal numbers of threads give equal weights. Only dropout, whose draws the
 * threads share, is excepted from that with more than one thread. Owns native memory. Used by one
 * thread.
 */
public final class SgdTrainer implements AutoCloseable {
  /** Weight of the past in the momentum. */
  public static final double MOMENTUM = 0.9;

  /**
   * Gradients longer than this are shortened to it. Ordinary steps stay below; the first ones at a
   * high rate may not.
   */
  public static final double GRADIENT_NORM_MAX = 5.0;

  /** Fewest images of a shard: with less, normalisation would follow single images. */
  static final int SHARD_IMAGES_MIN = 16;

  private final GraphRunner runner;
  private final double weightDecay;
  private final List<Shard> shards = new ArrayList<>();
  private final ParameterTensors momentum;
  private final TensorVector clipped = new TensorVector();
  private final Set<Integer> metCounts = new HashSet<>();

  /** Begins with momentum zero, in single precision. */
  public SgdTrainer(
      GraphRunner runner, Optional<GraphRunner> teacher, Objective objective, double weightDecay) {
    this(runner, teacher, objective, weightDecay, Arithmetic.FP32);
  }

  /**
   * Begins with momentum zero.
   *
   * @param teacher that is followed as the objective says, in its own arithmetic; used by several
   *     threads at once
   */
  public SgdTrainer(
      GraphRunner runner,
      Optional<GraphRunner> teacher,
      Objective objective,
      double weightDecay,
      Arithmetic arithmetic) {
    this.runner = runner;
    this.weightDecay = weightDecay;
    this.momentum = runner.parameters().momentum();
    for (int i = 0; i < runner.runtime().threads(); i++) {
      shards.add(new Shard(runner.sharing(i == 0, arithmetic), teacher, objective));
    }
    shards.get(0).parameters().trained().values().forEach(clipped::push_back);
  }

  /** The momentum as it is now, by the names of the weights. */
  public Weights momentum() {
    return momentum.export();
  }

  /** Continues with the momentum of an earlier run of the same network. */
  public void restore(Weights saved) {
    try (ParameterTensors values = new ParameterTensors(saved)) {
      momentum.all().forEach((name, tensor) -> tensor.copy_(values.get(name)));
    }
  }

  /**
   * One step downhill.
   *
   * @param seed of what the step draws, which is dropout
   * @return the loss before the step
   */
  public float step(LabelledBatch batch, double learningRate, long seed) {
    try {
      float loss = gradients(batch, seed);
      if (!Float.isFinite(loss)) {
        throw new LabException(
            "training " + runner.graph().name(),
            "the loss is no longer a number",
            "Use a lower learning rate");
      }
      return NativeScope.withoutGradient(
          () -> {
            torch.clip_grad_norm_(clipped, GRADIENT_NORM_MAX);
            update(learningRate);
            return loss;
          });
    } catch (RuntimeException | OutOfMemoryError e) {
      throw NativeFailure.explain(runner.graph().name(), e);
    }
  }

  /** Leaves the gradient of the batch's mean loss in the first shard; returns the loss. */
  private float gradients(LabelledBatch batch, long seed) {
    torch.manual_seed(seed);
    int used = Math.max(1, Math.min(shards.size(), batch.count() / SHARD_IMAGES_MIN));
    List<Supplier<Float>> parts = new ArrayList<>();
    for (int i = 0; i < used; i++) {
      Shard shard = shards.get(i);
      Shard.Range range = new Shard.Range(batch.count() * i / used, batch.count() * (i + 1) / used);
      parts.add(() -> shard.gradients(batch, range));
    }
    float loss = 0;
    for (float part : together(batch.count(), parts)) {
      loss += part;
    }
    for (Shard other : shards.subList(1, used)) {
      shards.get(0).parameters().addGradientsOf(other.parameters());
    }
    return loss;
  }

  private List<Float> together(int count, List<Supplier<Float>> parts) {
    return metCounts.add(count) ? runner.runtime().inTurn(parts) : runner.runtime().parallel(parts);
  }

  private void update(double learningRate) {
    Scalar keep = new Scalar(MOMENTUM);
    Scalar decay = new Scalar(weightDecay);
    Scalar rate = new Scalar(-learningRate);
    for (Map.Entry<String, Tensor> entry : shards.get(0).parameters().trained().entrySet()) {
      Tensor parameter = entry.getValue();
      Tensor gradient = parameter.mutable_grad();
      if (!gradient.defined()) {
        continue; // no path leads from it to the logits
      }
      if (entry.getKey().endsWith(".weight")) {
        gradient.add_(parameter, decay);
      }
      Tensor velocity = momentum.get(entry.getKey());
      velocity.mul_(keep).add_(gradient);
      gradient.add_(velocity, keep);
      parameter.add_(gradient, rate);
    }
  }

  /** Gradients of one batch by name, before clipping and decay, and the loss as {@code loss}. */
  Weights gradientsOf(LabelledBatch batch, long seed) {
    float loss = gradients(batch, seed);
    return NativeScope.run(
        () -> {
          Weights.Builder gradients = Weights.builder().put("loss", new float[] {loss}, 1);
          shards
              .get(0)
              .parameters()
              .trained()
              .forEach(
                  (name, parameter) -> {
                    Tensor gradient = parameter.grad();
                    if (gradient.defined()) {
                      float[] values = ParameterTensors.floats(gradient);
                      gradients.put(name, values, values.length);
                    }
                  });
          return gradients.build();
        });
  }

  @Override
  public void close() {
    clipped.close();
    momentum.close();
    shards.forEach(Shard::close);
  }
}
