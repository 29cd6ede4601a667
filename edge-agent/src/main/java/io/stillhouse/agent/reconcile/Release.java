package io.stillhouse.agent.reconcile;

/**
 * Which release of which logical model a bundle is.
 *
 * @param counter rises with each release of the model
 * @param minCounter what the release makes the least acceptable counter once it is committed
 */
public record Release(String model, long version, long counter, long minCounter) {
  public Release {
    if (counter < 0 || minCounter < 0 || minCounter > counter) {
      throw new IllegalArgumentException(
          "release counter %d, minimum %d (expected: 0 <= minimum <= counter)"
              .formatted(counter, minCounter));
    }
  }
}
