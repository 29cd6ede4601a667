package io.stillhouse.lab.worker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stillhouse.lab.CancelledException;
import io.stillhouse.lab.GracefulStop;
import io.stillhouse.lab.LabException;
import io.stillhouse.lab.LabSettings;
import io.stillhouse.lab.ModelLab;
import io.stillhouse.lab.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Does the order in a job's folder. Says each event as one line of JSON:
 *
 * <pre>{@code
 * {"event":"progress","step":"train resnet8","fraction":0.4,"message":"epoch 3 of 8, loss 0.51"}
 * {"event":"done","result":{...}}
 * {"event":"error","what":"...","why":"...","fix":"..."}
 * }</pre>
 *
 * <p>A worker whose coordinator died goes on until its next safe point. The next coordinator may
 * start the job again before that; the folder's lock makes the new worker wait for the old one.
 */
final class Worker {
  private static final String ORDER = "job.json";
  private static final String LOCK = "worker.lock";
  private static final long ORDER_BYTES_MAX = 16L << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path jobDirectory;
  private final PrintStream events;
  private final LongSupplier nanos;
  private final GracefulStop stop;

  /** How a worker's process ends. */
  enum Ending {
    DONE(0),
    REFUSED(1),
    STOPPED(3);

    private final int code;

    Ending(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  Worker(Path jobDirectory, PrintStream events, LongSupplier nanos, GracefulStop stop) {
    this.jobDirectory = jobDirectory;
    this.events = events;
    this.nanos = nanos;
    this.stop = stop;
  }

  /** Reads until the stream ends, which it does when the parent asks or dies; then stops. */
  void stopAtEndOf(InputStream in) {
    try {
      while (in.read() >= 0) {
        // Nothing is said on it.
      }
    } catch (IOException e) {
      // A broken pipe is an ended one.
    }
    stop.ask();
  }

  /** Does the job. */
  Ending run() throws IOException {
    try (FileChannel lockFile =
            FileChannel.open(
                jobDirectory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = lockFile.lock()) {
      if (!lock.isValid()) {
        throw new IOException("the lock of " + jobDirectory + " was lost");
      }
      JsonNode order = order();
      LabSettings settings = settings(order);
      Map<String, Object> done = new LinkedHashMap<>();
      done.put("event", "done");
      done.put(
          "result", new Order(order).perform(new ModelLab(settings, nanos), new SaidProgress()));
      say(done);
      return Ending.DONE;
    } catch (CancelledException e) {
      return Ending.STOPPED;
    } catch (LabException e) {
      Map<String, Object> error = new LinkedHashMap<>();
      error.put("event", "error");
      error.put("what", e.what());
      error.put("why", e.why());
      error.put("fix", e.fix());
      say(error);
      return Ending.REFUSED;
    }
  }

  private JsonNode order() throws IOException {
    Path file = jobDirectory.resolve(ORDER);
    if (Files.size(file) > ORDER_BYTES_MAX) {
      throw new IOException(file + " is larger than " + ORDER_BYTES_MAX + " bytes");
    }
    return JSON.readTree(Files.readAllBytes(file));
  }

  private LabSettings settings(JsonNode order) {
    LabSettings usual = LabSettings.defaults();
    int threads = order.path("threads").asInt();
    return new LabSettings(threads > 0 ? threads : usual.threads(), usual.nativeCacheDir())
        .withCheckpoints(jobDirectory.resolve("checkpoints"));
  }

  private synchronized void say(Map<String, Object> event) {
    try {
      events.println(JSON.writeValueAsString(event));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON", e);
    }
  }

  private final class SaidProgress implements Progress {
    @Override
    public void report(String step, double fraction, String message) {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("event", "progress");
      event.put("step", step);
      event.put("fraction", fraction);
      event.put("message", message);
      say(event);
    }

    @Override
    public boolean cancelled() {
      return stop.asked();
    }
  }
}
