package io.stillhouse.agent.artifact;

import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;

/** An artifact, or a step with it, was refused. Expected: the caller records the refusal. */
public final class ArtifactRefusedException extends Exception {
  @java.io.Serial private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  public ArtifactRefusedException(Refusal refusal) {
    super(refusal.reason() + ": " + refusal.detail());
    this.refusal = refusal;
  }

  static ArtifactRefusedException permanent(RefusalReason reason, String detail) {
    return new ArtifactRefusedException(Refusal.permanent(reason, detail));
  }

  static ArtifactRefusedException passing(RefusalReason reason, String detail) {
    return new ArtifactRefusedException(Refusal.passing(reason, detail));
  }

  public Refusal refusal() {
    return refusal;
  }
}
