package io.stillhouse.agent.health;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.agent.artifact.BundlePlan;
import io.stillhouse.agent.artifact.FilePlan;
import io.stillhouse.agent.hardware.DeviceLimits.ModelLimits;
import io.stillhouse.agent.inference.ModelHost;
import io.stillhouse.agent.reconcile.TestFigures;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * The real {@link Trials}: the self-test in a child process, probation on the model host. A trial
 * belongs to the thread that runs it; nothing is shared between trials.
 */
public final class ProcessTrials implements Trials {
  private static final int LAST_ERROR_CHARS_MAX = 160;
  private static final int EXIT_OUT_OF_MEMORY = 3;

  /** A process that a signal ended has this much more than the signal as its exit code. */
  private static final int EXIT_SIGNAL_BASE = 128;

  private final ModelHost host;
  private final Settings settings;
  private final LongSupplier nanoTicker;
  private final ObjectMapper json = new ObjectMapper();

  /**
   * How trials are held.
   *
   * @param threads that inference may use on this device
   * @param nativeLibrary directory in which the runtime's libraries are unpacked
   * @param limits of this device; zero = unlimited; the manifest's budget counts where it is lower
   * @param abandoned whether the trial under way is no longer wanted
   * @param selfTestTimeout after which the self-test's process is killed
   */
  public record Settings(
      int threads,
      Path nativeLibrary,
      ModelLimits limits,
      BooleanSupplier abandoned,
      Duration selfTestTimeout) {
    public Settings {
      if (threads < 1 || selfTestTimeout.isNegative() || selfTestTimeout.isZero()) {
        throw new IllegalArgumentException(
            "trials: %d threads, self-test timeout %s (expected: at least 1, > 0)"
                .formatted(threads, selfTestTimeout));
      }
    }
  }

  /**
   * @param nanoTicker monotonic nanoseconds, {@code System::nanoTime} outside tests
   */
  public ProcessTrials(ModelHost host, Settings settings, LongSupplier nanoTicker) {
    this.host = host;
    this.settings = settings;
    this.nanoTicker = nanoTicker;
  }

  @Override
  public TestFigures selfTest(Path slot, BundlePlan plan) throws InterruptedException {
    SelfTestChild child =
        new SelfTestChild(settings.abandoned, settings.selfTestTimeout, nanoTicker);
    try {
      SelfTestChild.Ending ending = child.run(json.writeValueAsString(request(slot, plan)));
      if (ending instanceof SelfTestChild.Ending.Exited exited) {
        return exited.code() == 0 ? judge(exited, plan) : failed(reason(exited));
      }
      return failed(
          "the self-test had no end after %d ms (expected: an end before)"
              .formatted(settings.selfTestTimeout.toMillis()));
    } catch (IOException e) {
      return failed("the self-test's process cannot be started: " + e.getMessage());
    }
  }

  @Override
  public Watch watch(Path slot, BundlePlan plan, Duration length) {
    return new Probation(host, slot, plan, length, nanoTicker);
  }

  private SelfTestRequest request(Path slot, BundlePlan plan) {
    FilePlan model = plan.file(BundlePlan.MODEL);
    return new SelfTestRequest(
        slot.toAbsolutePath().toString(),
        settings.nativeLibrary.toAbsolutePath().toString(),
        settings.threads,
        latencyP99MicrosMax(plan),
        new SelfTestRequest.Model(
            model.sizeBytes(),
            model.sha256Hex(),
            plan.facts().input(),
            plan.facts().labels().size()));
  }

  private long latencyP99MicrosMax(BundlePlan plan) {
    return lower(
        plan.terms().budget().latencyP99MicrosMax(), settings.limits.latencyP99MicrosMax());
  }

  /** The lower of two limits of which zero is none. */
  private static long lower(long one, long other) {
    return one == 0 || other == 0 ? Math.max(one, other) : Math.min(one, other);
  }

  private TestFigures judge(SelfTestChild.Ending.Exited exited, BundlePlan plan) {
    TestFigures figures;
    try {
      figures = json.readValue(exited.answer(), TestFigures.class);
    } catch (JsonProcessingException e) {
      return failed(
          "the self-test gave no figures but \"%s\" (expected: a line of JSON)"
              .formatted(cut(exited.answer())));
    }
    if (!sound(figures)) {
      return failed(
          "the self-test gave \"%s\" (expected: figures)".formatted(cut(exited.answer())));
    }
    if (!figures.passed()) {
      return figures;
    }
    long measured = figures.memoryBytes();
    return new TestFigures(
        figures.maxAbsError(),
        figures.argmaxAgreement(),
        figures.latencyMicros(),
        Math.max(0, measured),
        overLimit(figures, plan));
  }

  /** What a process prints that has run an unknown model is not taken on trust. */
  private static boolean sound(TestFigures figures) {
    return Double.isFinite(figures.maxAbsError())
        && figures.maxAbsError() >= 0
        && figures.argmaxAgreement() >= 0
        && figures.argmaxAgreement() <= 1
        && figures.latencyMicros() != null
        && figures.latencyMicros().p50() >= 0
        && figures.latencyMicros().p99() >= figures.latencyMicros().p50()
        && figures.memoryBytes() >= SelfTest.MEMORY_UNKNOWN
        && figures.failure() != null;
  }

  private String overLimit(TestFigures figures, BundlePlan plan) {
    long latencyMax = latencyP99MicrosMax(plan);
    long p99 = figures.latencyMicros().p99();
    if (latencyMax > 0 && p99 > latencyMax) {
      return "latency p99: %d us in the best of %d rounds (expected: at most %d us)"
          .formatted(p99, LatencyRounds.ROUNDS_MAX, latencyMax);
    }
    long memoryMax =
        lower(plan.terms().budget().memoryBytesMax(), settings.limits.memoryBytesMax());
    if (memoryMax > 0 && figures.memoryBytes() == SelfTest.MEMORY_UNKNOWN) {
      return "memory: unknown on this system (expected: at most %d bytes)".formatted(memoryMax);
    }
    if (memoryMax > 0 && figures.memoryBytes() > memoryMax) {
      return "memory: %d bytes more than before the model (expected: at most %d bytes)"
          .formatted(figures.memoryBytes(), memoryMax);
    }
    return "";
  }

  private static String reason(SelfTestChild.Ending.Exited exited) {
    String end;
    if (exited.code() == EXIT_OUT_OF_MEMORY) {
      end = "ran out of heap";
    } else if (exited.code() > EXIT_SIGNAL_BASE) {
      end = "was ended by signal %d".formatted(exited.code() - EXIT_SIGNAL_BASE);
    } else {
      end = "ended with exit code %d".formatted(exited.code());
    }
    String last = exited.lastError().isEmpty() ? "nothing" : cut(exited.lastError());
    return "the self-test's process %s (expected: exit code 0); it said last: %s"
        .formatted(end, last);
  }

  private static String cut(String text) {
    String line = text.replaceAll("\\p{Cntrl}+", " ");
    return line.length() > LAST_ERROR_CHARS_MAX ? line.substring(0, LAST_ERROR_CHARS_MAX) : line;
  }

  private static TestFigures failed(String reason) {
    return new TestFigures(0, 0, new TestFigures.LatencyMicros(0, 0), 0, reason);
  }
}
