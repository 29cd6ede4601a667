package io.stillhouse.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillhouse.agent.testing.FakeCoordinator;
import io.stillhouse.agent.testing.TestAuthority;
import io.stillhouse.agent.testing.TestBundle;
import io.stillhouse.proto.device.v1.EnrollRequest;
import io.stillhouse.proto.device.v1.HardwareProfile;
import io.stillhouse.proto.model.v1.Precision;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class EnrollerTest {
  @Test
  void a_token_becomes_an_identity_whose_key_never_left_the_device() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      Identity identity = LinkFixtures.enrolled(coordinator);
      assertThat(identity.deviceId()).isEqualTo("press-1");
      assertThat(identity.place().hardwareClass()).isEqualTo(TestBundle.HARDWARE_CLASS);
      assertThat(identity.authority()).isEqualTo(coordinator.authority().certificate());
      assertThat(identity.artifactKeys()).containsExactly(TestBundle.KEYS.getPublic());
      identity.certificate().verify(identity.authority().getPublicKey());
    }
  }

  @Test
  void the_measured_profile_is_told() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      LinkFixtures.enrolled(coordinator);
      assertThat(coordinator.enrolments)
          .singleElement()
          .extracting(EnrollRequest::getDeviceName)
          .isEqualTo("press");
      HardwareProfile told = coordinator.enrolments.get(0).getProfile();
      assertThat(told.getBoard()).isEqualTo("sim-small");
      assertThat(told.getArchitecture()).isEqualTo("aarch64");
      assertThat(told.getIsaFeaturesList()).containsExactly("asimd", "fp");
      assertThat(told.getCores()).isEqualTo(4);
      assertThat(told.getInferenceThreads()).isEqualTo(2);
      assertThat(told.getMemoryBytes()).isEqualTo(4L << 30);
      assertThat(told.getStorageFreeBytes()).isEqualTo(9L << 30);
      assertThat(told.getAcceleratorsList()).containsExactly("none-really");
      assertThat(told.getModelMemoryBytesMax()).isEqualTo(48);
      assertThat(told.getModelFileBytesMax()).isEqualTo(32);
      assertThat(told.getLatencyP99MicrosMax()).isEqualTo(16);
      assertThat(told.getLimitsSimulated()).isTrue();
      assertThat(told.getRuntimeVersion()).isEqualTo("1.28.0");
      assertThat(told.getProbesList())
          .singleElement()
          .satisfies(
              probe -> {
                assertThat(probe.getKernel()).isEqualTo("conv3x3");
                assertThat(probe.getPrecision()).isEqualTo(Precision.PRECISION_INT8);
                assertThat(probe.getMacs()).isEqualTo(1_806_336);
                assertThat(probe.getOutputBytes()).isEqualTo(50_176);
                assertThat(probe.getP50Micros()).isEqualTo(123.5);
              });
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "secret", "secret.abc", "0123456789abcdef.xyz"})
  void a_malformed_token_is_refused_before_anything_is_dialled(String token) {
    assertThatThrownBy(() -> enrol(1, token))
        .isInstanceOf(LinkException.class)
        .hasMessageContaining("the token is malformed");
  }

  @Test
  void a_secret_is_not_told_to_a_coordinator_of_another_authority() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      String elsewhere = FakeCoordinator.TOKEN_SECRET + "." + new TestAuthority().sha256Hex();
      assertThatThrownBy(() -> enrol(coordinator.port(), elsewhere))
          .isInstanceOf(LinkException.class)
          .hasMessageContaining("authority");
      assertThat(coordinator.enrolments).isEmpty();
    }
  }

  @Test
  void an_answer_that_names_another_authority_is_not_believed() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      coordinator.naming(new TestAuthority());
      assertThatThrownBy(() -> enrol(coordinator.port(), coordinator.token()))
          .isInstanceOf(LinkException.class)
          .hasMessageContaining("as the token says");
    }
  }

  @Test
  void a_used_token_and_a_silent_port_say_what_to_do() throws Exception {
    try (FakeCoordinator coordinator = new FakeCoordinator()) {
      String used = "another-secret-0123456789." + coordinator.authority().sha256Hex();
      assertThatThrownBy(() -> enrol(coordinator.port(), used))
          .hasMessageContaining("the token is used or expired")
          .hasMessageContaining("stillhouse device token");
    }
    int silent;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      silent = socket.getLocalPort();
    }
    String token = FakeCoordinator.TOKEN_SECRET + "." + new TestAuthority().sha256Hex();
    assertThatThrownBy(() -> enrol(silent, token))
        .hasMessageContaining("Connection refused")
        .hasMessageContaining("Check the address")
        .hasMessageNotContaining("\n");
  }

  private static void enrol(int port, String token) throws LinkException {
    var unused =
        new Enroller(new SecureRandom())
            .enrol(new Address("127.0.0.1", port), token, "press", LinkFixtures.PROFILE);
  }
}
