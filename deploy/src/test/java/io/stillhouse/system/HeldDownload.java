package io.stillhouse.system;

import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.FetchRequest;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Holds a model's bytes back until it is told to let them pass. */
final class HeldDownload implements DeviceTap.Tampering {
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch released = new CountDownLatch(1);

  boolean asked() {
    return asked.getCount() == 0;
  }

  void release() {
    released.countDown();
  }

  @Override
  public List<Chunk> chunk(FetchRequest request, Chunk genuine) {
    asked.countDown();
    try {
      released.await();
      return List.of(genuine);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
