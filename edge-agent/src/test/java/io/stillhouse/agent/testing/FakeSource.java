package io.stillhouse.agent.testing;

import io.stillhouse.agent.artifact.ArtifactRefusedException;
import io.stillhouse.agent.artifact.ArtifactSource;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.artifact.SignedBytes;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** An honest source of the bundles it was given; the link may be down. */
public final class FakeSource implements ArtifactSource {
  private final Map<Digest, TestBundle> bundles = new ConcurrentHashMap<>();
  private volatile boolean connected = true;

  public FakeSource serving(TestBundle... served) {
    for (TestBundle bundle : served) {
      bundles.put(bundle.digest(), bundle);
    }
    return this;
  }

  public void connected(boolean up) {
    connected = up;
  }

  @Override
  public boolean connected() {
    return connected;
  }

  private TestBundle bundle(Digest digest) throws ArtifactRefusedException {
    TestBundle bundle = bundles.get(digest);
    if (bundle == null || !connected) {
      throw new ArtifactRefusedException(
          Refusal.passing(RefusalReason.NETWORK, "not to be had now"));
    }
    return bundle;
  }

  @Override
  public SignedBytes manifest(Digest digest) throws ArtifactRefusedException {
    return bundle(digest).signed();
  }

  @Override
  public void chunks(Digest digest, FilePlan file, int firstChunk, ChunkTaker taker)
      throws ArtifactRefusedException, InterruptedException {
    List<byte[]> chunks = bundle(digest).chunks(file.name());
    for (int i = firstChunk; i < chunks.size(); i++) {
      if (!taker.take(i, chunks.get(i))) {
        return;
      }
    }
  }
}
