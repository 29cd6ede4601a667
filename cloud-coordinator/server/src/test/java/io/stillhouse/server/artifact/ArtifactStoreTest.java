package io.stillhouse.server.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.stillhouse.model.Digest;
import io.stillhouse.proto.model.v1.BundleFile;
import io.stillhouse.proto.model.v1.Manifest;
import io.stillhouse.proto.model.v1.SignedManifest;
import io.stillhouse.server.failure.CoordinatorException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArtifactStoreTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @Test
  void a_stored_artifact_reads_back_byte_for_byte() throws IOException {
    byte[] model = bytes(3 * ArtifactStore.CHUNK_BYTES + 17);
    ArtifactStore store = store();
    Digest digest = put(store, model);
    ByteBuffer read = store.file(digest, "model.onnx").orElseThrow();
    byte[] copy = new byte[read.remaining()];
    read.get(copy);
    assertThat(copy).isEqualTo(model);
    assertThat(store.manifest(digest).orElseThrow().getFiles(0).getChunkSha256Count()).isEqualTo(4);
    assertThat(store.file(digest, "../etc/passwd")).isEmpty();
    assertThat(store.manifest(Digest.of(new byte[0]))).isEmpty();
  }

  @Test
  void a_file_of_exactly_one_chunk_has_one_digest() throws IOException {
    Digest digest = put(store(), bytes(ArtifactStore.CHUNK_BYTES));
    assertThat(store().manifest(digest).orElseThrow().getFiles(0).getChunkSha256Count()).isOne();
  }

  @Test
  void bytes_that_rotted_are_refused() throws IOException {
    Digest digest = put(store(), bytes(ArtifactStore.CHUNK_BYTES + 5));
    Path file = onlyFile("files");
    byte[] rotten = Files.readAllBytes(file);
    rotten[ArtifactStore.CHUNK_BYTES + 2] ^= 1;
    Files.write(file, rotten);
    assertThatThrownBy(() -> store().file(digest, "model.onnx"))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("chunk 1 does not have its digest");
  }

  @Test
  void a_manifest_that_rotted_is_refused() throws IOException {
    Digest digest = put(store(), bytes(10));
    Path file = onlyFile("manifests");
    byte[] rotten = Files.readAllBytes(file);
    rotten[6] ^= 1;
    Files.write(file, rotten);
    assertThatThrownBy(() -> store().signedManifest(digest))
        .isInstanceOf(CoordinatorException.class);
  }

  @Test
  void a_full_disk_leaves_nothing_half_written_and_says_so_in_one_line() throws IOException {
    Blobs blobs = new Blobs(directory);
    Path target = blobs.path("files", Digest.of(new byte[] {1}));
    assertThatThrownBy(() -> blobs.put(target, new FullDisk(), 1 << 20))
        .isInstanceOf(CoordinatorException.class)
        .hasMessageContaining("No space left on device")
        .hasMessageContaining("check free space")
        .hasMessageNotContaining("\n");
    assertThat(target).doesNotExist();
    try (Stream<Path> left = Files.list(directory.resolve("tmp"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void a_write_that_was_cut_is_cleared_at_the_next_start() throws IOException {
    store();
    Path cut = Files.writeString(directory.resolve("tmp/put-1.partial"), "half");
    store();
    assertThat(cut).doesNotExist();
  }

  @Test
  void more_bytes_than_declared_are_not_stored() {
    Blobs blobs = new Blobs(directory);
    Path target = blobs.path("files", Digest.of(new byte[] {1}));
    assertThatThrownBy(() -> blobs.put(target, new java.io.ByteArrayInputStream(new byte[11]), 10))
        .hasMessageContaining("limit of 10 bytes");
    assertThat(target).doesNotExist();
  }

  private ArtifactStore store() {
    return new ArtifactStore(directory);
  }

  private Digest put(ArtifactStore store, byte[] model) throws IOException {
    Path source = Files.write(directory.resolve("source"), model);
    BundleFile file = ArtifactStore.describe("model.onnx", source);
    ByteString manifest =
        Manifest.newBuilder().setModel("inspect").addFiles(file).build().toByteString();
    return store.put(
        SignedManifest.newBuilder().setManifest(manifest).build(), Map.of("model.onnx", source));
  }

  private Path onlyFile(String kind) throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve(kind))) {
      return files.filter(Files::isRegularFile).findFirst().orElseThrow();
    }
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(5).nextBytes(bytes);
    return bytes;
  }

  /** Gives some bytes, then fails as a write to a full disk does. */
  private static final class FullDisk extends InputStream {
    private int given;

    @Override
    public int read() throws IOException {
      return read(new byte[1], 0, 1);
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      given += length;
      if (given > 200_000) {
        throw new IOException("No space left on device");
      }
      return length;
    }
  }
}
