package io.stillhouse.server.artifact;

import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.PackedForm;
import java.util.ArrayList;
import java.util.List;

/**
 * The form in which a file of a bundle travels, as one more file of the store: devices that know
 * its coding fetch it instead.
 */
final class PackedFile {
  /** What its name ends in; the lab writes it beside the file. */
  static final String SUFFIX = ".stf";

  private static final String CODING = "stf1";

  private PackedFile() {}

  /** A file with its packed form, which {@link ArtifactStore#describe} described. */
  static BundleFile with(BundleFile file, BundleFile packed) {
    return file.toBuilder()
        .setPacked(
            PackedForm.newBuilder()
                .setCoding(CODING)
                .setSizeBytes(packed.getSizeBytes())
                .setSha256(packed.getSha256())
                .addAllChunkSha256(packed.getChunkSha256List()))
        .build();
  }

  /** Every file that a device may fetch: those of the bundle, and their packed forms. */
  static List<BundleFile> all(Manifest manifest) {
    List<BundleFile> all = new ArrayList<>();
    for (BundleFile file : manifest.getFilesList()) {
      all.add(file);
      if (file.hasPacked()) {
        PackedForm packed = file.getPacked();
        all.add(
            BundleFile.newBuilder()
                .setPath(file.getPath() + SUFFIX)
                .setSizeBytes(packed.getSizeBytes())
                .setSha256(packed.getSha256())
                .addAllChunkSha256(packed.getChunkSha256List())
                .build());
      }
    }
    return all;
  }
}
