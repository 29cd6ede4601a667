package io.stillhouse.agent.inference;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The ONNX Runtime of this process: what it is, and the options that every session here has. */
public final class OnnxRuntime {
  private OnnxRuntime() {}

  /**
   * Has the runtime load its native libraries from {@code directory}, where they are unpacked once,
   * instead of unpacking them at each start. To be called before anything else of this package.
   */
  public static void prepare(Path directory) {
    NativeLibraries.prepare(directory);
  }

  /**
   * What a Java process of this one needs on its command line to load the very libraries that this
   * one loads.
   */
  public static List<String> childOptions() {
    String path = System.getProperty(NativeLibraries.PATH_PROPERTY);
    return path == null ? List.of() : List.of("-D" + NativeLibraries.PATH_PROPERTY + "=" + path);
  }

  /** Version of the loaded runtime, e.g. {@code 1.28.0}. Loads the native library. */
  public static String version() {
    return environment().getVersion();
  }

  /** Execution providers that the loaded runtime has, e.g. {@code CPU}. */
  public static List<String> providers() {
    environment();
    List<String> names = new ArrayList<>();
    OrtEnvironment.getAvailableProviders().forEach(provider -> names.add(provider.name()));
    return List.copyOf(names);
  }

  static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "stillhouse");
  }

  /**
   * No spinning: it would cost four times the processor time for a third of the latency. On x86
   * 8-bit kernels that do not saturate, or the device would run another model than the one that was
   * judged.
   */
  static OrtSession.SessionOptions sessionOptions(int threads) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(threads);
    options.setInterOpNumThreads(1);
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    options.addConfigEntry("session.intra_op.allow_spinning", "0");
    String architecture = System.getProperty("os.arch", "");
    boolean x86 = architecture.equals("amd64") || architecture.equals("x86_64");
    if (x86 && !IntegerKernels.exact()) {
      options.addConfigEntry("session.x64quantprecision", "1");
    }
    return options;
  }

  /** First line of a runtime error, for a message to people. */
  static String reason(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
  }
}
