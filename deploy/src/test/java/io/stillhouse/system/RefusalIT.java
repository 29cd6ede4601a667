package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import io.stillhouse.proto.device.v1.Chunk;
import io.stillhouse.proto.device.v1.FetchRequest;
import io.stillhouse.proto.model.v1.SignedManifest;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an agent is sent is refused with its reason, and its current model keeps answering. */
@Timeout(600)
class RefusalIT {
  /** Judges nothing, so that each agent's refusal stays to be seen. */
  private static final Map<String, ?> LENIENT =
      Map.of("minInferences", 0, "failureRateMax", 1.0, "passMin", 0.0, "minSample", 5);

  private record Lie(DeviceTap.Tampering tampering, String reason) {}

  @Test
  void damaged_bytes_are_refused() {
    refuses(
        "damaged-bytes",
        List.of(
            new Lie(chunks(RefusalIT::flipped), "BAD_DIGEST"),
            new Lie(chunks(RefusalIT::truncated), "BAD_DIGEST"),
            new Lie(chunks(chunk -> List.of(chunk, chunk)), "ENDLESS_DATA")));
  }

  @Test
  void manifests_that_nobody_trusted_has_signed_are_refused() throws Exception {
    KeyPair stranger = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    refuses(
        "bad-manifests",
        List.of(
            new Lie(manifests(RefusalIT::badSignature), "BAD_SIGNATURE"),
            new Lie(manifests(genuine -> signedBy(stranger, genuine)), "BAD_SIGNATURE"),
            new Lie(
                manifests(genuine -> genuine.toBuilder().clearSignature().build()),
                "BAD_SIGNATURE")));
  }

  private static void refuses(String name, List<Lie> lies) {
    List<DeviceTap> taps = new ArrayList<>();
    try (World world = Taught.world(name)) {
      world.startCoordinator();
      List<AgentProcess> agents = Taught.AGENTS.stream().map(world::agent).toList();
      for (int i = 0; i < lies.size(); i++) {
        taps.add(DeviceTap.before(world, agents.get(i), lies.get(i).tampering()));
        agents.get(i).start();
      }
      world.awaitOnline(agents.size());
      String current = world.variant(Taught.CURRENT);
      world.rollOut(Taught.NEXT, List.of(100), 1, LENIENT);

      for (int i = 0; i < lies.size(); i++) {
        AgentProcess agent = agents.get(i);
        String reason = lies.get(i).reason();
        world.await(
            agent.name() + " refuses with " + reason,
            () -> agent.reported().path("refusal").asText().equals(reason));
        assertThat(agent.reported().path("detail").asText()).isNotBlank();
        // Between two tries of what may pass, the device has no refusal to show.
        world.await(
            agent.name() + " shows why", () -> agent.status("refusal").startsWith(reason + ": "));
        assertThat(agent.status("running")).isEqualTo(current);
        assertThat(World.answers(agent.inference(), Taught.images())).isTrue();
      }
    } finally {
      taps.forEach(DeviceTap::close);
    }
  }

  @Test
  void a_release_older_than_the_ones_a_device_holds_is_refused() {
    try (World world = Taught.world("old-release")) {
      world.startCoordinator();
      List<AgentProcess> agents =
          Taught.AGENTS.stream().map(name -> world.agent(name).start()).toList();
      world.awaitOnline(agents.size());
      // The two newest releases are held, one to run and one to fall back to.
      for (int version : List.of(Taught.NEXT, Taught.HARMED)) {
        JsonNode ended = world.awaitEnd(world.rollOut(version, List.of(100), 1));
        assertThat(ended.path("status").asText()).as("%s", ended).isEqualTo("SUCCEEDED");
      }

      world.rollOut(Taught.CURRENT, List.of(100), 1, LENIENT);
      for (AgentProcess agent : agents) {
        world.await(
            agent.name() + " refuses the old release",
            () -> agent.reported().path("refusal").asText().equals("OLD_RELEASE"));
        assertThat(agent.status("refusal")).startsWith("OLD_RELEASE: ").contains("release");
        assertThat(agent.status("running")).isEqualTo(world.variant(Taught.HARMED));
        assertThat(World.answers(agent.inference(), Taught.images())).isTrue();
      }
    }
  }

  private static DeviceTap.Tampering chunks(
      java.util.function.Function<Chunk, List<Chunk>> change) {
    return new DeviceTap.Tampering() {
      @Override
      public List<Chunk> chunk(FetchRequest request, Chunk genuine) {
        return request.getPath().startsWith("model.onnx")
            ? change.apply(genuine)
            : List.of(genuine);
      }
    };
  }

  private static DeviceTap.Tampering manifests(
      java.util.function.UnaryOperator<SignedManifest> change) {
    return new DeviceTap.Tampering() {
      @Override
      public SignedManifest manifest(SignedManifest genuine) {
        return change.apply(genuine);
      }
    };
  }

  private static List<Chunk> flipped(Chunk genuine) {
    return List.of(genuine.toBuilder().setData(flip(genuine.getData())).build());
  }

  private static List<Chunk> truncated(Chunk genuine) {
    ByteString data = genuine.getData();
    return List.of(genuine.toBuilder().setData(data.substring(0, data.size() - 1)).build());
  }

  private static SignedManifest badSignature(SignedManifest genuine) {
    return genuine.toBuilder().setSignature(flip(genuine.getSignature())).build();
  }

  private static ByteString flip(ByteString bytes) {
    byte[] copy = bytes.toByteArray();
    copy[copy.length / 2] ^= 1;
    return ByteString.copyFrom(copy);
  }

  private static SignedManifest signedBy(KeyPair key, SignedManifest genuine) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key.getPrivate());
      signature.update(genuine.getManifest().toByteArray());
      return genuine.toBuilder().setSignature(ByteString.copyFrom(signature.sign())).build();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}
