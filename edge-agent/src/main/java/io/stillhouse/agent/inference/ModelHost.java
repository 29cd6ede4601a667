package io.stillhouse.agent.inference;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Holds the live model of the device and answers inferences with it.
 *
 * <p>Thread-safe. A swap is atomic: each inference runs wholly on one model, no inference is lost,
 * and a model is closed only after the last inference on it has ended. At most one {@code activate}
 * or {@code deactivate} proceeds at a time.
 */
public interface ModelHost extends AutoCloseable {
  /**
   * Loads, checks and warms up the slot's model, then makes it the live one; the previous model
   * stays live until that moment, and stays live when this throws.
   *
   * <p>When the live model has the same artifact digest nothing is loaded: only the slot's
   * placement and probation flag change, and counting starts a new {@link Tenure}.
   *
   * @throws ModelRefusedException when the file is unreadable, is not the one the manifest names,
   *     or does not run as its card says
   */
  void activate(LoadedSlot slot);

  /** Ends the live model, if there is one; inferences get {@link InferenceOutcome.NoModel} then. */
  void deactivate();

  /** The live slot. */
  Optional<LoadedSlot> live();

  /**
   * One inference.
   *
   * @param image preprocessed values in (channels, height, width) order, from the buffer's position
   *     on; the position does not move
   * @param expectedLabel the true class where the caller knows it: counted as feedback
   */
  InferenceOutcome infer(FloatBuffer image, OptionalInt expectedLabel);

  /**
   * One inference on an image that was made for a certain artifact: by its shape and its
   * normalisation. {@link InferenceOutcome.Replaced} when another one is live by now.
   *
   * @param digest of the slot by whose card the image was made
   */
  InferenceOutcome infer(String digest, FloatBuffer image, OptionalInt expectedLabel);

  /**
   * One inference on a golden input, by the very path that live input takes. It says nothing about
   * what the device meets and is counted apart: in {@link #replayed}, never in {@link #stats} or
   * {@link #tenures}.
   */
  InferenceOutcome replay(FloatBuffer image);

  /** What was counted in the live tenure since it began. All zero when no model is live. */
  LiveStats stats();

  /** What became of the live tenure's golden inputs. All zero when no model is live. */
  LiveStats.Counts replayed();

  /**
   * The live tenure and those before it, oldest first, at most {@link Tenure#KEPT_MAX}. Counts of a
   * retired tenure change no more once its last inference has ended.
   */
  List<Tenure> tenures();

  /** Ends the live model and frees everything; further inferences get {@code NoModel}. */
  @Override
  void close();
}
