package io.stillhouse.agent.serving;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.stillhouse.agent.serving.InferRequest.Draft;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Reads the JSON of an inference request as a stream, straight into one array of floats: no tree of
 * number objects is made. The order of fields is free, so the data may come before its shape; the
 * array is bounded by what the model could take at most.
 */
final class InferRequestReader {
  private static final int TENSOR_DEPTH_MAX = 5;
  private static final int SHAPE_RANK_MAX = 8;
  private static final int OUTPUTS_MAX = 8;
  private static final int DOCUMENT_DEPTH_MAX = 32;
  private static final int TEXT_CHARS_MAX = 4_096;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DOCUMENT_DEPTH_MAX)
                  .maxNumberLength(64)
                  .maxStringLength(TEXT_CHARS_MAX)
                  .maxNameLength(256)
                  .build())
          .build();

  private final JsonParser parser;
  private final int elementsMax;
  private final int elementsExpected;
  private final Draft draft = new Draft();

  /**
   * @param elements values of one image
   */
  private InferRequestReader(JsonParser parser, int elements) {
    this.parser = parser;
    this.elementsExpected = elements;
    this.elementsMax = Math.multiplyExact(elements, InferRequest.BATCH_MAX);
  }

  /**
   * Reads a request whose data is in the JSON.
   *
   * @throws IOException when the body is no JSON or breaks off
   */
  static Draft read(InputStream body, int elements) throws IOException, HttpProblem {
    try (JsonParser parser = JSON.createParser(body)) {
      InferRequestReader reader = new InferRequestReader(parser, elements);
      reader.document();
      if (reader.draft.binaryBytes >= 0) {
        throw HttpProblem.badRequest(
            "binary_data_size without the header Inference-Header-Content-Length");
      }
      return reader.draft;
    }
  }

  /** Reads a request whose data may follow the JSON as bytes (little-endian for FP32). */
  static Draft readBinary(byte[] header, InputStream rest, int elements)
      throws IOException, HttpProblem {
    try (JsonParser parser = JSON.createParser(header)) {
      InferRequestReader reader = new InferRequestReader(parser, elements);
      reader.document();
      reader.binaryData(rest);
      return reader.draft;
    }
  }

  private void document() throws IOException, HttpProblem {
    expect(parser.nextToken() == JsonToken.START_OBJECT, "the body", "a JSON object");
    boolean inputsSeen = false;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "id" -> draft.id = text("id");
        case "parameters" -> requestParameters();
        case "inputs" -> {
          expect(!inputsSeen, "inputs", "to appear once");
          inputsSeen = true;
          inputs();
        }
        case "outputs" -> outputs();
        default -> parser.skipChildren();
      }
    }
    expect(parser.nextToken() == null, "the body", "nothing after the JSON object");
  }

  private void requestParameters() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_OBJECT, "parameters", "an object");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean label = parser.currentName().equals("expected_label");
      parser.nextToken();
      if (label) {
        expectedLabels();
      } else {
        parser.skipChildren();
      }
    }
  }

  private void expectedLabels() throws IOException, HttpProblem {
    draft.expectedLabels.clear();
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      draft.expectedLabels.add(integer("expected_label"));
      return;
    }
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(
          draft.expectedLabels.size() < InferRequest.BATCH_MAX,
          "expected_label",
          "at most %d labels".formatted(InferRequest.BATCH_MAX));
      draft.expectedLabels.add(integer("expected_label"));
    }
  }

  private void inputs() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_ARRAY, "inputs", "an array");
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser.currentToken() == JsonToken.START_OBJECT, "inputs", "objects");
      expect(!draft.inputSeen, "inputs", "one tensor");
      draft.inputSeen = true;
      input();
    }
  }

  private void input() throws IOException, HttpProblem {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "name" -> draft.name = text("name");
        case "datatype" -> draft.datatype = text("datatype");
        case "shape" -> shape();
        case "data" -> data();
        case "parameters" -> inputParameters();
        default -> parser.skipChildren();
      }
    }
  }

  private void inputParameters() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_OBJECT, "parameters", "an object");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean size = parser.currentName().equals("binary_data_size");
      parser.nextToken();
      if (size) {
        draft.binaryBytes = integer("binary_data_size");
        expect(draft.binaryBytes >= 0, "binary_data_size", "not negative");
      } else {
        parser.skipChildren();
      }
    }
  }

  private void shape() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_ARRAY, "shape", "an array");
    draft.shape.clear();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(draft.shape.size() < SHAPE_RANK_MAX, "shape", "four sides");
      draft.shape.add((long) integer("shape"));
    }
  }

  private void data() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_ARRAY, "data", "an array");
    expect(!draft.dataSeen, "data", "to appear once");
    draft.dataSeen = true;
    float[] values = new float[elementsExpected];
    int count = 0;
    int depth = 1;
    while (depth > 0) {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_ARRAY) {
        depth++;
        expect(depth <= TENSOR_DEPTH_MAX, "data", "arrays nested like the shape");
      } else if (token == JsonToken.END_ARRAY) {
        depth--;
      } else {
        expect(token != null && token.isNumeric(), "data", "numbers");
        expect(count < elementsMax, "data", "at most %d images".formatted(InferRequest.BATCH_MAX));
        if (count == values.length) {
          values = Arrays.copyOf(values, (int) Math.min(elementsMax, 2L * count));
        }
        float value = parser.getFloatValue();
        expect(Float.isFinite(value), "data", "finite numbers");
        values[count++] = value;
      }
    }
    draft.data = FloatBuffer.wrap(values, 0, count);
  }

  private void outputs() throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.START_ARRAY, "outputs", "an array");
    draft.outputs.clear();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(parser.currentToken() == JsonToken.START_OBJECT, "outputs", "objects");
      expect(draft.outputs.size() < OUTPUTS_MAX, "outputs", "names of this model's outputs");
      String name = "";
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isName = parser.currentName().equals("name");
        parser.nextToken();
        if (isName) {
          name = text("name");
        } else {
          parser.skipChildren();
        }
      }
      expect(InferResponse.OUTPUTS.contains(name), "outputs", "of " + InferResponse.OUTPUTS);
      draft.outputs.add(name);
    }
  }

  private void binaryData(InputStream rest) throws IOException, HttpProblem {
    if (draft.binaryBytes < 0) {
      return;
    }
    expect(!draft.dataSeen, "data", "either in the JSON or after it");
    boolean floats = draft.datatype.equals(InferRequest.FP32);
    int width = floats ? Float.BYTES : 1;
    expect(
        draft.binaryBytes % width == 0 && draft.binaryBytes / width <= elementsMax,
        "binary_data_size",
        "%d bytes per value, at most %d images".formatted(width, InferRequest.BATCH_MAX));
    ByteBuffer bytes =
        ByteBuffer.wrap(rest.readNBytes((int) draft.binaryBytes)).order(ByteOrder.LITTLE_ENDIAN);
    expect(
        bytes.remaining() == draft.binaryBytes && rest.read() < 0,
        "the body",
        "as many bytes as binary_data_size says");
    float[] values = new float[bytes.remaining() / width];
    for (int i = 0; i < values.length; i++) {
      values[i] = floats ? bytes.getFloat() : Byte.toUnsignedInt(bytes.get());
      expect(Float.isFinite(values[i]), "data", "finite numbers");
    }
    draft.data = FloatBuffer.wrap(values);
  }

  private String text(String what) throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.VALUE_STRING, what, "a string");
    return parser.getText();
  }

  private int integer(String what) throws IOException, HttpProblem {
    expect(parser.currentToken() == JsonToken.VALUE_NUMBER_INT && fitsInt(), what, "an integer");
    return parser.getIntValue();
  }

  private boolean fitsInt() throws IOException {
    return parser.getNumberType() == JsonParser.NumberType.INT;
  }

  private static void expect(boolean holds, String what, String expected) throws HttpProblem {
    if (!holds) {
      throw HttpProblem.badRequest("%s (expected: %s)".formatted(what, expected));
    }
  }
}
