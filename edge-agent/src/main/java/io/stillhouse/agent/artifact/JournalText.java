package io.stillhouse.agent.artifact;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillhouse.agent.reconcile.Desired;
import io.stillhouse.agent.reconcile.Digest;
import io.stillhouse.agent.reconcile.Evidence;
import io.stillhouse.agent.reconcile.Installed;
import io.stillhouse.agent.reconcile.Memory;
import io.stillhouse.agent.reconcile.Models;
import io.stillhouse.agent.reconcile.Phase;
import io.stillhouse.agent.reconcile.Progress;
import io.stillhouse.agent.reconcile.Refusal;
import io.stillhouse.agent.reconcile.RefusalReason;
import io.stillhouse.agent.reconcile.Release;
import io.stillhouse.agent.reconcile.Slot;
import io.stillhouse.agent.reconcile.TestFigures;
import io.stillhouse.agent.reconcile.UpdateState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The journal's written form: a line with the SHA-256 of what follows, then one JSON document. The
 * digest is not a signature; it tells damage from content. Enum constants travel by name, never by
 * ordinal. Unknown fields are left alone, so that an older agent reads a newer journal.
 */
final class JournalText {
  private static final String HEAD = "stillhouse-journal 1 ";
  private static final ObjectMapper JSON = new ObjectMapper();

  private JournalText() {}

  /** What the file holds, with the time floor that is kept beside the state. */
  record Content(UpdateState state, long timeFloorEpochMillis) {}

  static byte[] write(Content content) {
    UpdateState state = content.state();
    ObjectNode root = JSON.createObjectNode();
    root.put("timeFloorEpochMillis", content.timeFloorEpochMillis());
    ObjectNode desired = root.putObject("desired");
    desired.put("generation", state.desired().generation());
    desired.put("artifact", state.desired().artifact().map(Digest::sha256Hex).orElse(""));
    desired.put("rolloutId", state.desired().rolloutId());
    desired.put("wave", state.desired().wave());
    desired.put("probationMillis", state.desired().probation().toMillis());
    ObjectNode progress = root.putObject("progress");
    progress.put("phase", state.phase().name());
    progress.put("attempt", state.progress().attempt());
    progress.put("failures", state.progress().failures());
    progress.put("abnormalExits", state.progress().abnormalExits());
    ObjectNode models = root.putObject("models");
    state.models().committed().ifPresent(m -> installed(models.putObject("committed"), m));
    state.models().fallback().ifPresent(m -> installed(models.putObject("fallback"), m));
    state.models().trial().ifPresent(m -> installed(models.putObject("trial"), m));
    state.evidence().refusal().ifPresent(r -> refusal(root.putObject("refusal"), r));
    state.evidence().selfTest().ifPresent(f -> figures(root.putObject("selfTest"), f));
    ObjectNode floors = root.putObject("floors");
    state.memory().floors().forEach(floors::put);
    var quarantine = root.putArray("quarantine");
    for (Memory.Quarantined entry : state.memory().quarantine()) {
      ObjectNode node = quarantine.addObject();
      node.put("digest", entry.digest().sha256Hex());
      node.put("generation", entry.generation());
      node.put("reason", entry.reason().name());
    }
    byte[] body;
    try {
      body = JSON.writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values cannot fail to be written", e);
    }
    byte[] head = (HEAD + Sha256.hex(body) + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    return all;
  }

  /** The content, or what is wrong with the bytes. */
  static Content read(byte[] bytes) throws JournalDamagedException {
    int line = 0;
    while (line < bytes.length && bytes[line] != '\n') {
      line++;
    }
    String head = new String(bytes, 0, line, StandardCharsets.US_ASCII);
    byte[] body =
        java.util.Arrays.copyOfRange(bytes, Math.min(line + 1, bytes.length), bytes.length);
    if (!head.startsWith(HEAD)) {
      throw new JournalDamagedException("it does not begin like a journal");
    }
    if (!head.equals(HEAD + Sha256.hex(body))) {
      throw new JournalDamagedException("its content does not have the digest of its first line");
    }
    try {
      JsonNode root = JSON.readTree(body);
      return new Content(state(root), root.path("timeFloorEpochMillis").asLong());
    } catch (java.io.IOException | IllegalArgumentException e) {
      // Whole bytes of an agent that had other ideas of a journal.
      throw new JournalDamagedException("its content is not understood: " + e.getMessage());
    }
  }

  /** The journal's bytes are not what was written. */
  static final class JournalDamagedException extends Exception {
    @java.io.Serial private static final long serialVersionUID = 1L;

    JournalDamagedException(String why) {
      super(why);
    }
  }

  private static UpdateState state(JsonNode root) {
    JsonNode desired = root.path("desired");
    String artifact = desired.path("artifact").asText();
    JsonNode progress = root.path("progress");
    JsonNode models = root.path("models");
    return new UpdateState(
        new Desired(
            desired.path("generation").asLong(),
            artifact.isEmpty() ? Optional.empty() : Optional.of(new Digest(artifact)),
            desired.path("rolloutId").asText(),
            desired.path("wave").asInt(),
            Duration.ofMillis(desired.path("probationMillis").asLong())),
        new Progress(
            Phase.valueOf(progress.path("phase").asText()),
            progress.path("attempt").asInt(),
            progress.path("failures").asInt(),
            progress.path("abnormalExits").asInt()),
        new Models(
            installed(models.path("committed")),
            installed(models.path("fallback")),
            installed(models.path("trial"))),
        new Evidence(refusal(root.path("refusal")), figures(root.path("selfTest"))),
        memory(root));
  }

  private static Memory memory(JsonNode root) {
    Map<String, Long> floors = new TreeMap<>();
    root.path("floors").properties().forEach(f -> floors.put(f.getKey(), f.getValue().asLong()));
    List<Memory.Quarantined> quarantine = new ArrayList<>();
    for (JsonNode entry : root.path("quarantine")) {
      quarantine.add(
          new Memory.Quarantined(
              new Digest(entry.path("digest").asText()),
              entry.path("generation").asLong(),
              RefusalReason.valueOf(entry.path("reason").asText())));
    }
    return new Memory(quarantine, floors);
  }

  private static void installed(ObjectNode node, Installed installed) {
    node.put("slot", installed.slot().name());
    node.put("digest", installed.digest().sha256Hex());
    node.put("model", installed.release().model());
    node.put("version", installed.release().version());
    node.put("counter", installed.release().counter());
    node.put("minCounter", installed.release().minCounter());
  }

  private static Optional<Installed> installed(JsonNode node) {
    if (node.isMissingNode()) {
      return Optional.empty();
    }
    return Optional.of(
        new Installed(
            Slot.valueOf(node.path("slot").asText()),
            new Digest(node.path("digest").asText()),
            new Release(
                node.path("model").asText(),
                node.path("version").asLong(),
                node.path("counter").asLong(),
                node.path("minCounter").asLong())));
  }

  private static void refusal(ObjectNode node, Refusal refusal) {
    node.put("reason", refusal.reason().name());
    node.put("detail", refusal.detail());
    node.put("retryable", refusal.retryable());
  }

  private static Optional<Refusal> refusal(JsonNode node) {
    return node.isMissingNode()
        ? Optional.empty()
        : Optional.of(
            new Refusal(
                RefusalReason.valueOf(node.path("reason").asText()),
                node.path("detail").asText(),
                node.path("retryable").asBoolean()));
  }

  private static void figures(ObjectNode node, TestFigures figures) {
    node.put("maxAbsError", figures.maxAbsError());
    node.put("argmaxAgreement", figures.argmaxAgreement());
    node.put("latencyP50Micros", figures.latencyMicros().p50());
    node.put("latencyP99Micros", figures.latencyMicros().p99());
    node.put("memoryBytes", figures.memoryBytes());
    node.put("failure", figures.failure());
  }

  private static Optional<TestFigures> figures(JsonNode node) {
    return node.isMissingNode()
        ? Optional.empty()
        : Optional.of(
            new TestFigures(
                node.path("maxAbsError").asDouble(),
                node.path("argmaxAgreement").asDouble(),
                new TestFigures.LatencyMicros(
                    node.path("latencyP50Micros").asLong(), node.path("latencyP99Micros").asLong()),
                node.path("memoryBytes").asLong(),
                node.path("failure").asText()));
  }
}
