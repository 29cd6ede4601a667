package io.stillhouse.lab.tensor;

import io.stillhouse.lab.network.TrainingMarks;
import io.stillhouse.lab.network.Weights;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Named tensors that outlive a step. Owns native memory. */
final class ParameterTensors implements AutoCloseable {
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  ParameterTensors(Weights weights) {
    try {
      for (String name : weights.names()) {
        tensors.put(name, tensor(weights.values(name), weights.shape(name)));
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      close();
      throw e;
    }
  }

  private ParameterTensors() {}

  /**
   * The same numbers in the same memory, with gradients of their own.
   *
   * @param sameStatistics whether running means and variances are shared too, or copied
   */
  ParameterTensors sharing(boolean sameStatistics) {
    ParameterTensors shared = new ParameterTensors();
    tensors.forEach(
        (name, tensor) -> {
          Tensor other = statistic(name) && !sameStatistics ? tensor.clone() : tensor.detach();
          if (!statistic(name)) {
            other.set_requires_grad(true);
          }
          shared.tensors.put(name, other);
        });
    return shared;
  }

  /** Zeros for everything that is trained. */
  ParameterTensors momentum() {
    ParameterTensors zeros = new ParameterTensors();
    trained().forEach((name, tensor) -> zeros.tensors.put(name, torch.zeros_like(tensor)));
    return zeros;
  }

  /** What training changes: all but running statistics and marks. */
  Map<String, Tensor> trained() {
    Map<String, Tensor> trained = new LinkedHashMap<>(tensors);
    trained.keySet().removeIf(ParameterTensors::statistic);
    return trained;
  }

  /** Callers hold a scope. */
  void zeroGradients() {
    for (Tensor tensor : tensors.values()) {
      Tensor gradient = tensor.mutable_grad();
      if (gradient.defined()) {
        gradient.zero_();
      }
    }
  }

  void addGradientsOf(ParameterTensors other) {
    NativeScope.withoutGradient(
        () -> {
          trained()
              .forEach(
                  (name, tensor) -> {
                    Tensor gradient = other.get(name).mutable_grad();
                    if (gradient.defined()) {
                      tensor.mutable_grad().add_(gradient);
                    }
                  });
          return other;
        });
  }

  private static boolean statistic(String name) {
    return name.endsWith(".mean")
        || name.endsWith(".var")
        || name.endsWith(TrainingMarks.RANGE)
        || name.endsWith(TrainingMarks.MASK)
        || name.endsWith(TrainingMarks.PLACES)
        || name.endsWith(TrainingMarks.SHARES);
  }

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no weight is named " + name);
    }
    return tensor;
  }

  Map<String, Tensor> all() {
    return tensors;
  }

  /** Copies the values back, with the names, order and shapes they came with. */
  Weights export() {
    Weights.Builder weights = Weights.builder();
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      int[] shape = new int[(int) tensor.dim()];
      for (int i = 0; i < shape.length; i++) {
        shape[i] = (int) tensor.size(i);
      }
      weights.put(entry.getKey(), floats(tensor), shape);
    }
    return weights.build();
  }

  /** The values in row-major order, whatever the memory format. */
  static float[] floats(Tensor tensor) {
    return NativeScope.run(
        () -> {
          float[] values = new float[Math.toIntExact(tensor.numel())];
          new FloatPointer(tensor.detach().contiguous().data_ptr_float()).get(values);
          return values;
        });
  }

  private static Tensor tensor(float[] values, int[] shape) {
    long[] sides = new long[shape.length];
    for (int i = 0; i < sides.length; i++) {
      sides[i] = shape[i];
    }
    Tensor plain = Tensor.create(values, sides);
    if (sides.length != 4) {
      return plain;
    }
    // Kernels of convolutions lie channels-last, like the maps that they meet.
    try (plain) {
      return plain.contiguous(torch.MemoryFormat.ChannelsLast);
    }
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
    tensors.clear();
  }
}
