package io.stillhouse.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.stillhouse.drive.Programs;
import io.stillhouse.lab.data.DataSpec;
import io.stillhouse.lab.data.Dataset;
import io.stillhouse.lab.data.Images;
import io.stillhouse.lab.data.UnlabelledPictures;
import io.stillhouse.model.graph.ImageShape;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A device shows its model the very pixels that training would have shown it. */
@Timeout(120)
class PictureIT {
  private static final int PICTURES = 60;
  private static final int PICTURE_SIDE_MAX = 700;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"1x28x28", "3x32x32", "3x45x45"})
  void pictures_of_any_size_are_fitted_as_they_are_for_training(String text) throws Exception {
    ImageShape shape = ImageShape.parse(text);
    long seed = text.hashCode();
    System.out.println("pictures of seed " + seed);
    List<Path> pictures = draw(new Random(seed));
    Images learnt = UnlabelledPictures.instead(ofShape(shape), folder.resolve("pictures")).train();

    List<byte[]> asked = asked(shape, pictures);

    assertThat(asked).hasSize(PICTURES);
    List<String> different = new ArrayList<>();
    for (int i = 0; i < PICTURES; i++) {
      byte[] expected = new byte[(int) shape.elements()];
      learnt.copy(i, expected, 0);
      if (!Arrays.equals(asked.get(i), expected)) {
        different.add(String.valueOf(pictures.get(i).getFileName()));
      }
    }
    assertThat(different).isEmpty();
  }

  private static Dataset ofShape(ImageShape shape) {
    Images one = Images.of(shape, new byte[(int) shape.elements()], new int[1]);
    Dataset builtin = DataSpec.parse("builtin:fashion-mnist-12k").load();
    return new Dataset(one, one, builtin.labels(), builtin.origin());
  }

  /** Noise in wide, high and small formats, some of it transparent, some of it JPEG. */
  private List<Path> draw(Random random) throws IOException {
    Path into = Files.createDirectories(folder.resolve("pictures"));
    List<Path> pictures = new ArrayList<>();
    for (int i = 0; i < PICTURES; i++) {
      boolean jpeg = i % 3 == 2;
      BufferedImage picture =
          new BufferedImage(
              1 + random.nextInt(PICTURE_SIDE_MAX),
              1 + random.nextInt(PICTURE_SIDE_MAX),
              jpeg ? BufferedImage.TYPE_INT_RGB : BufferedImage.TYPE_INT_ARGB);
      for (int y = 0; y < picture.getHeight(); y++) {
        for (int x = 0; x < picture.getWidth(); x++) {
          picture.setRGB(x, y, random.nextInt());
        }
      }
      String format = jpeg ? "jpg" : "png";
      Path file =
          into.resolve(
              "%02d-%dx%d.%s".formatted(i, picture.getWidth(), picture.getHeight(), format));
      assertThat(ImageIO.write(picture, format, file.toFile())).isTrue();
      pictures.add(file);
    }
    return pictures;
  }

  /** The pixels that the agent's own command sends to the model for each picture. */
  private List<byte[]> asked(ImageShape shape, List<Path> pictures) throws IOException {
    Queue<byte[]> asked = new ConcurrentLinkedQueue<>();
    HttpServer model =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String metadata =
        "{\"inputs\":[{\"shape\":[-1,%d,%d,%d]}],\"parameters\":{\"labels\":[\"any\"]}}"
            .formatted(shape.channels(), shape.height(), shape.width());
    model.createContext("/v2/models/m", exchange -> answer(exchange, metadata));
    model.createContext(
        "/v2/models/m/infer",
        exchange -> {
          asked.add(pixels(JSON.readTree(exchange.getRequestBody())));
          answer(exchange, "{\"outputs\":[{\"data\":[\"any\"]},{\"data\":[1.0]}]}");
        });
    model.start();
    try {
      Path data = Files.createDirectories(folder.resolve("agent"));
      Files.writeString(data.resolve("status.json"), "{\"model\":\"m\"}");
      Files.writeString(data.resolve("rest.port"), Integer.toString(model.getAddress().getPort()));
      List<String> arguments = new ArrayList<>(List.of("infer", "--data-dir", data.toString()));
      pictures.forEach(picture -> arguments.add(picture.toString()));
      try (Programs programs = new Programs(Checkout.LAUNCHERS, folder.resolve("logs"))) {
        programs.run("infer", "stillhouse-agent", arguments);
      }
    } finally {
      model.stop(0);
    }
    return List.copyOf(asked);
  }

  private static byte[] pixels(JsonNode request) {
    JsonNode data = request.path("inputs").path(0).path("data");
    byte[] pixels = new byte[data.size()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) data.path(i).asInt();
    }
    return pixels;
  }

  private static void answer(HttpExchange exchange, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
