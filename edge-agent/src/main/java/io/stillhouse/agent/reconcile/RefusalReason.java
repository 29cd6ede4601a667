package io.stillhouse.agent.reconcile;

/** Why this device did not take, or did not keep, an artifact. Names are those of the wire. */
public enum RefusalReason {
  BAD_SIGNATURE,
  BAD_DIGEST,
  TRUNCATED,
  ENDLESS_DATA,
  OLD_RELEASE,
  WRONG_CLASS,
  TOO_LARGE,
  UNSAFE_MODEL,
  NO_SPACE,
  SELF_TEST,
  PROBATION,
  CRASH_LOOP,
  MALFORMED,
  NETWORK
}
