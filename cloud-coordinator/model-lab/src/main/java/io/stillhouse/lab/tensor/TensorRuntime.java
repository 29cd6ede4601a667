package io.stillhouse.lab.tensor;

import io.stillhouse.lab.LabException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/**
 * The native engine, unpacked, loaded and given threads. Whoever holds one may make {@link
 * GraphRunner}s.
 */
public final class TensorRuntime {
  private static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";

  /** Only the environment can say it: the engine reads it before any call of ours. */
  static final String KERNELS = "ONEDNN_MAX_CPU_ISA";

  private static final boolean ONLY_EXACT_KERNELS =
      Set.of("AVX", "SSE41").contains(System.getenv().getOrDefault(KERNELS, "").strip());

  private static final long IDLE_SECONDS = 5;
  private static final Object LOADING = new Object();

  private final int threads;
  private final ThreadPoolExecutor pool;

  private TensorRuntime(int threads) {
    this.threads = threads;
    this.pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(() -> alone(work), "lab-tensor");
              thread.setDaemon(true);
              return thread;
            });
    // Threads leave by themselves, so a runtime needs no closing.
    pool.allowCoreThreadTimeOut(true);
  }

  int threads() {
    return threads;
  }

  /** The engine remembers its number of threads per thread. */
  private static void alone(Runnable work) {
    torch.set_num_threads(1);
    work.run();
  }

  /**
   * Does all parts one after the other on the calling thread. Work of shapes that the engine has
   * not met goes through here: two threads that compile the same kernel at the same time (oneDNN of
   * libtorch 2.10, the AVX-512 convolutions' way back) may be given one without its scratch memory,
   * and the process dies. Kernels that are compiled are shared safely.
   */
  <T> List<T> inTurn(List<Supplier<T>> parts) {
    return parts.stream().map(Supplier::get).toList();
  }

  /**
   * Does all parts, the first on the calling thread, and returns their results in order. Returns
   * only when none is running any more, since they share native memory; the first failure, in
   * order, is thrown.
   */
  <T> List<T> parallel(List<Supplier<T>> parts) {
    List<FutureTask<T>> tasks = new ArrayList<>();
    for (Supplier<T> part : parts) {
      tasks.add(new FutureTask<>(part::get));
    }
    tasks.subList(1, tasks.size()).forEach(pool::execute);
    tasks.get(0).run();
    boolean interrupted = false;
    List<T> results = new ArrayList<>();
    Optional<Throwable> failure = Optional.empty();
    for (FutureTask<T> task : tasks) {
      boolean waiting = true;
      while (waiting) {
        try {
          results.add(task.get());
          waiting = false;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          failure = failure.or(() -> Optional.ofNullable(e.getCause()));
          waiting = false;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure.isPresent()) {
      throw rethrown(failure.get());
    }
    return results;
  }

  private static RuntimeException rethrown(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return failure instanceof RuntimeException known ? known : new IllegalStateException(failure);
  }

  /**
   * Loads the engine; the first start of a cache unpacks it, which takes seconds.
   *
   * @param threads that share the images of a batch
   * @param cache shared by processes; ignored where the JVM was given its own by property
   */
  public static TensorRuntime start(int threads, Path cache) {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: 1 to 1024)");
    }
    load(cache);
    return new TensorRuntime(threads);
  }

  /**
   * Loads the engine and tries whether training would be exact with what is allowed.
   *
   * @return a convolution that is not; empty when there is none
   */
  public static Optional<String> wrongConvolution(Path cache) {
    load(cache);
    return TellingShapes.all(torch.ScalarType.Float).stream()
        .filter(shape -> !ConvolutionKernels.exact(shape, shape.convolution()::byKernel))
        .filter(shape -> !ConvolutionKernels.exact(shape, shape.convolution()::byMatrix))
        .map(ConvolutionKernels.Shape::toString)
        .findFirst();
  }

  /** Whether only kernels are allowed that were exact on every processor tried. */
  static boolean onlyExactKernels() {
    return ONLY_EXACT_KERNELS;
  }

  private static void load(Path cache) {
    synchronized (LOADING) {
      MemoryBound.suitMachine();
      if (System.getProperty(CACHE_PROPERTY) == null) {
        System.setProperty(CACHE_PROPERTY, cache.toAbsolutePath().toString());
      }
      Path used = Path.of(System.getProperty(CACHE_PROPERTY));
      try {
        Files.createDirectories(used);
        unpack(used);
      } catch (IOException e) {
        throw new LabException(
            "native libraries in " + used,
            String.valueOf(e.getMessage()),
            "Give the lab a folder with 500 MB of free space as its native cache",
            e);
      }
    }
    // Threads share images, not operations: threads inside an operation meet thousands of times a
    // second and stand still together when the machine has other work.
    torch.set_num_threads(1);
    // It is of no use to us, and complains of processors that it does not know.
    torch.globalContext().setUserEnabledNNPACK(false);
  }

  /**
   * Unpacks every library before the first is loaded: otherwise the system's linker may complete a
   * half-unpacked engine with another one installed on the machine, and the process dies. The lock
   * keeps two processes from writing the same file; what is complete is left alone.
   */
  private static void unpack(Path cache) throws IOException {
    String platform = Loader.getPlatform();
    try (FileChannel channel =
            FileChannel.open(
                cache.resolve("unpack.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      for (String library : List.of("openblas", "pytorch", "javacpp")) {
        // Throws when the library was not built for this platform.
        if (Loader.cacheResource(Loader.class, "/org/bytedeco/" + library + "/" + platform)
            == null) {
          throw new IOException(library + " has no libraries for " + platform);
        }
      }
      if (!lock.isValid()) {
        throw new IOException("the lock was lost while unpacking");
      }
    }
  }
}
