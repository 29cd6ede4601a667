package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.export.RandomWeights;
import io.stillhouse.lab.network.Network;
import io.stillhouse.model.graph.ImageShape;
import io.stillhouse.model.network.NetworkCatalog;
import io.stillhouse.model.recipe.Arithmetic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * How fast a network trains, and whether memory stays where it is while it does. One batch of noise
 * is learnt over and over: forward, cross-entropy, backward, shortening of the gradient, Nesterov
 * step. Run by {@code docs/evidence/scripts/training-throughput.sh} and {@code training-memory.sh}:
 *
 * <pre>
 * TrainingBenchmark speed NETWORK BATCH THREADS STEPS [bf16]    one line: images per second
 * TrainingBenchmark memory NETWORK BATCH THREADS STEPS [bf16]   a line per tenth: step, resident KiB
 * </pre>
 */
final class TrainingBenchmark {
  private static final int WARM_UP_STEPS = 10;
  private static final ImageShape INPUT = new ImageShape(3, 32, 32);
  private static final int CLASSES = 10;
  private static final double RATE = 0.01;
  private static final double WEIGHT_DECAY = 5e-4;

  private TrainingBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    String network = arguments[1];
    int batch = Integer.parseInt(arguments[2]);
    int threads = Integer.parseInt(arguments[3]);
    int steps = Integer.parseInt(arguments[4]);
    Arithmetic arithmetic =
        arguments.length > 5
            ? Arithmetic.valueOf(arguments[5].toUpperCase(Locale.ROOT))
            : Arithmetic.FP32;
    TensorRuntime runtime = TensorRuntime.start(threads, LabSettings.defaults().nativeCacheDir());
    Network start = RandomWeights.of(NetworkCatalog.build(network, INPUT, CLASSES, 1.0), 1);
    try (GraphRunner runner = new GraphRunner(runtime, start);
        SgdTrainer sgd =
            new SgdTrainer(
                runner, Optional.empty(), new Objective(0, 1, 0), WEIGHT_DECAY, arithmetic)) {
      LabelledBatch noise = noise(batch);
      for (int i = 0; i < WARM_UP_STEPS; i++) {
        sgd.step(noise, RATE, i);
      }
      if (arguments[0].equals("memory")) {
        memory(sgd, noise, steps);
      } else {
        speed(sgd, noise, steps);
      }
    }
  }

  private static LabelledBatch noise(int count) {
    LabelledBatch batch = new LabelledBatch(count, (int) INPUT.elements());
    Random random = new Random(1);
    for (int i = 0; i < batch.images().length; i++) {
      batch.images()[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < count; i++) {
      batch.labels()[i] = i % CLASSES;
    }
    return batch;
  }

  private static void speed(SgdTrainer sgd, LabelledBatch noise, int steps) {
    double[] perSecond = new double[steps];
    for (int i = 0; i < steps; i++) {
      long from = System.nanoTime();
      sgd.step(noise, RATE, i);
      perSecond[i] = noise.count() * 1e9 / (System.nanoTime() - from);
    }
    Arrays.sort(perSecond);
    System.out.printf(
        Locale.ROOT, "median %.1f best %.1f%n", perSecond[steps / 2], perSecond[steps - 1]);
  }

  private static void memory(SgdTrainer sgd, LabelledBatch noise, int steps) throws IOException {
    for (int i = 0; i <= steps; i++) {
      if (i % Math.max(1, steps / 10) == 0) {
        System.out.println(i + " " + residentKibibytes());
      }
      sgd.step(noise, RATE, i);
    }
  }

  private static long residentKibibytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
