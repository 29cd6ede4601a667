package io.stillhouse.server.artifact;

import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Manifest;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What an artifact is held to, as its manifest says.
 *
 * @param accuracy on the test set where it was made, 0 to 1
 * @param latencyP99MicrosMax what its class tolerates; empty when that is anything
 * @param bundleBytes of a whole download
 */
public record ArtifactPromise(
    OptionalDouble accuracy, OptionalLong latencyP99MicrosMax, long bundleBytes) {
  static ArtifactPromise of(Manifest manifest) {
    double accuracy = manifest.getEvaluation().getAccuracy();
    long budget = manifest.getBudget().getLatencyP99MicrosMax();
    return new ArtifactPromise(
        // Zero is what the wire says where nothing was measured, or nothing limits.
        accuracy > 0 ? OptionalDouble.of(accuracy) : OptionalDouble.empty(),
        budget > 0 ? OptionalLong.of(budget) : OptionalLong.empty(),
        manifest.getFilesList().stream().mapToLong(BundleFile::getSizeBytes).sum());
  }
}
