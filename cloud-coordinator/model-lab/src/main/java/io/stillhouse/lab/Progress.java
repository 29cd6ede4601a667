package io.stillhouse.lab;

/**
 * How long work tells what it does, and hears that it should stop. Called by the working thread.
 */
public interface Progress {
  /**
   * Says where the work stands.
   *
   * @param step what is being done, e.g. {@code train teacher}
   * @param fraction of the whole job, 0 to 1
   * @param message a detail for people, may be empty
   */
  void report(String step, double fraction, String message);

  /** True once the work should end early, at its next safe point. */
  boolean cancelled();

  /** Nobody listens and nobody cancels. */
  static Progress none() {
    return new Progress() {
      @Override
      public void report(String step, double fraction, String message) {}

      @Override
      public boolean cancelled() {
        return false;
      }
    };
  }

  /** This progress as one part of a larger whole: fractions map to {@code [from, to]}. */
  default Progress part(double from, double to) {
    Progress whole = this;
    return new Progress() {
      @Override
      public void report(String step, double fraction, String message) {
        whole.report(step, from + (to - from) * Math.max(0, Math.min(1, fraction)), message);
      }

      @Override
      public boolean cancelled() {
        return whole.cancelled();
      }
    };
  }
}
