package io.stillhouse.lab.evaluate;

import io.stillhouse.lab.tensor.ProcessorFeatures;
import io.stillhouse.model.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What the numbers of a model depend on beside its inputs: the lab's own code, the two engines, the
 * JVM (whose {@code Math} may differ), and the processor's instructions by which the engines choose
 * their kernels.
 */
public final class Tools {
  private static final String UNKNOWN = "unknown";

  /** Extensions that the engines have kernels for, the newest first. */
  private static final List<String> EXTENSIONS =
      List.of(
          "amx_int8",
          "avx512_fp16",
          "avx512_bf16",
          "avx512_vnni",
          "avx512f",
          "avx_vnni",
          "avx2",
          "avx",
          "sve2",
          "i8mm",
          "asimddp",
          "asimd");

  /** Variables by which a person forbids an engine some of them. */
  private static final List<String> LIMITS = List.of("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY");

  private Tools() {}

  /** Versions by the name of the tool, of this process on this machine. */
  public static Map<String, String> used() {
    return OfThisProcess.USED;
  }

  /**
   * The instruction set as engines see it, e.g. {@code amd64 avx2 avx, ONEDNN_MAX_CPU_ISA=AVX}.
   *
   * @param features of the processors; none where they are not known
   */
  static String kernels(
      String architecture, ProcessorFeatures features, Map<String, String> environment) {
    String known =
        EXTENSIONS.stream().filter(features::has).collect(Collectors.joining(" ", " ", ""));
    String limits =
        LIMITS.stream()
            .filter(environment::containsKey)
            .map(name -> ", " + name + "=" + environment.get(name))
            .collect(Collectors.joining());
    return architecture + known.stripTrailing() + limits;
  }

  private static final class OfThisProcess {
    static final Map<String, String> USED = all();

    private static Map<String, String> all() {
      Map<String, String> tools = new LinkedHashMap<>();
      tools.put("lab", version("io.stillhouse", "stillhouse-model-lab") + " " + code());
      tools.put("libtorch", version("org.bytedeco", "pytorch"));
      tools.put("onnxruntime", OrtModel.runtimeVersion());
      tools.put("jdk", Runtime.version().toString());
      tools.put(
          "kernels",
          kernels(
              System.getProperty("os.arch"), ProcessorFeatures.ofThisMachine(), System.getenv()));
      return Collections.unmodifiableMap(tools);
    }
  }

  /** As Maven wrote it into the jar; classes that lie in a folder have none. */
  private static String version(String group, String artifact) {
    String resource = "/META-INF/maven/%s/%s/pom.properties".formatted(group, artifact);
    try (InputStream in = Tools.class.getResourceAsStream(resource)) {
      if (in == null) {
        return "unpackaged";
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", UNKNOWN);
    } catch (IOException e) {
      return UNKNOWN;
    }
  }

  /**
   * Names the lab's own code by its classes, since a version in development says little of what was
   * run.
   */
  private static String code() {
    try {
      StringBuilder digests = new StringBuilder();
      for (Class<?> part : List.of(Tools.class, Digest.class)) {
        Path place = Path.of(part.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (Files.isDirectory(place)) {
          digests.append(classes(place));
        } else {
          try (var jar = FileSystems.newFileSystem(place)) {
            digests.append(classes(jar.getPath("/")));
          }
        }
      }
      return "code " + Digest.of(digests.toString().getBytes(StandardCharsets.UTF_8)).shortForm();
    } catch (IOException | URISyntaxException e) {
      return "code " + UNKNOWN;
    }
  }

  private static String classes(Path root) throws IOException {
    Set<String> digests = new TreeSet<>();
    try (var walk = Files.walk(root)) {
      for (Path file : walk.filter(f -> f.toString().endsWith(".class")).toList()) {
        digests.add(root.relativize(file) + " " + Digest.of(Files.readAllBytes(file)));
      }
    }
    return String.join("\n", digests);
  }
}
