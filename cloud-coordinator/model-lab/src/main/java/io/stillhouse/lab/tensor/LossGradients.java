package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.recipe.Arithmetic;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Gradients of a network as it infers: running statistics, no dropout. For questions about a
 * network that is not being trained.
 */
public final class LossGradients {
  private LossGradients() {}

  /**
   * Gradient of the batch's mean cross-entropy by name; what no path leads to the logits from is
   * left out.
   */
  public static Weights of(TensorRuntime runtime, Network network, LabelledBatch batch) {
    try (GraphRunner owner = new GraphRunner(runtime, network);
        GraphRunner runner = owner.sharing(true, Arithmetic.FP32)) {
      return NativeScope.run(() -> gradients(runner, batch));
    } catch (RuntimeException | OutOfMemoryError e) {
      throw NativeFailure.explain(network.graph().name(), e);
    }
  }

  private static Weights gradients(GraphRunner runner, LabelledBatch batch) {
    FloatPointer pixels = new FloatPointer((long) batch.images().length);
    pixels.put(batch.images(), 0, batch.images().length);
    LongPointer labels = new LongPointer(batch.labels());
    Tensor target =
        torch.from_blob(
            labels, new long[] {batch.count()}, new TensorOptions(torch.ScalarType.Long));
    Tensor logits = runner.forward(runner.batch(pixels, batch.count()), Pass.INFERENCE);
    torch.cross_entropy_loss(logits, target).backward();
    Weights.Builder gradients = Weights.builder();
    for (Map.Entry<String, Tensor> entry : runner.parameters().trained().entrySet()) {
      Tensor gradient = entry.getValue().grad();
      if (gradient.defined()) {
        float[] values = ParameterTensors.floats(gradient);
        gradients.put(entry.getKey(), values, values.length);
      }
    }
    return gradients.build();
  }
}
