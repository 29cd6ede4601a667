package io.stillhouse.server.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedFoldersTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path directory;

  @Test
  void folders_arrive_as_they_were_below_their_names() throws IOException {
    Path teacher = directory.resolve("a/b");
    Files.createDirectories(teacher.resolve("deep"));
    byte[] noise = new byte[300_000];
    new Random(4).nextBytes(noise);
    Files.write(teacher.resolve("deep/noise"), noise);
    Files.writeString(teacher.resolve("empty"), "");
    Path said = Files.createDirectory(directory.resolve("said"));
    Files.writeString(said.resolve("result.json"), "{}");
    Path zip = directory.resolve("zip");

    PackedFolders.pack(Map.of("students/one", teacher, "", said), zip);
    Path into = directory.resolve("into");
    Files.createDirectories(into.resolve("older"));
    PackedFolders.unpack(zip, into);

    assertThat(into.resolve("students/one/deep/noise")).hasBinaryContent(noise);
    assertThat(into.resolve("students/one/empty")).isEmptyFile();
    assertThat(into.resolve("result.json")).hasContent("{}");
    assertThat(into.resolve("older")).doesNotExist();
  }

  @Test
  void links_stay_where_they_are() throws IOException {
    Path folder = Files.createDirectory(directory.resolve("folder"));
    Path secret = Files.writeString(directory.resolve("secret"), "secret");
    Files.createSymbolicLink(folder.resolve("link"), secret);
    Files.writeString(folder.resolve("file"), "x");
    Path zip = directory.resolve("zip");
    PackedFolders.pack(Map.of("f", folder), zip);
    PackedFolders.unpack(zip, directory.resolve("into"));
    assertThat(directory.resolve("into/f")).isDirectoryContaining("glob:**/file");
    assertThat(directory.resolve("into/f/link")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../escaped", "a/../../escaped", "/tmp/escaped-stillhouse", ".", "a/.."})
  void what_reaches_outside_is_refused(String name) throws IOException {
    Path zip = zip(name, "x".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    assertThatThrownBy(() -> PackedFolders.unpack(zip, directory.resolve("into")))
        .isInstanceOf(ZipException.class)
        .hasMessageContaining("outside");
    assertThat(directory.resolve("escaped")).doesNotExist();
    assertThat(Path.of("/tmp/escaped-stillhouse")).doesNotExist();
  }

  @Test
  void a_damaged_file_is_refused() throws IOException {
    byte[] noise = new byte[100_000];
    new Random(5).nextBytes(noise);
    byte[] whole = Files.readAllBytes(zip("noise", noise));
    Path cut = directory.resolve("cut");
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> PackedFolders.unpack(cut, directory.resolve("into")))
        .isInstanceOf(IOException.class);
    whole[whole.length / 2] ^= 0x55;
    Files.write(cut, whole);
    assertThatThrownBy(() -> PackedFolders.unpack(cut, directory.resolve("into")))
        .isInstanceOf(IOException.class);
  }

  private Path zip(String name, byte[] content) throws IOException {
    Path zip = directory.resolve("zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry(name));
      out.write(content);
      out.closeEntry();
    }
    return zip;
  }
}
