package io.stillhouse.lab.teacher;

import io.stillhouse.lab.network.Network;
import io.stillhouse.lab.network.Weights;
import io.stillhouse.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Names a training task by everything that its result depends on. */
final class Fingerprint {
  private Fingerprint() {}

  static String of(TrainingTask task) {
    String text =
        String.join(
            "\n",
            task.plan().toString(),
            task.data().digest().toString(),
            Integer.toString(task.data().train().count()),
            task.preprocessing().toString(),
            network(task.initial()),
            task.teacher().map(Fingerprint::network).orElse("no teacher"));
    return Digest.of(text.getBytes(StandardCharsets.UTF_8)).toString();
  }

  private static String network(Network network) {
    StringBuilder text = new StringBuilder(network.graph().toString());
    Weights weights = network.weights();
    for (String name : weights.names()) {
      float[] values = weights.values(name);
      ByteBuffer bytes = ByteBuffer.allocate(4 * values.length);
      bytes.asFloatBuffer().put(values);
      text.append(name).append(Digest.of(bytes.array()));
    }
    return text.toString();
  }
}
