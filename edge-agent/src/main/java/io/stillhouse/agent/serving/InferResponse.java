package io.stillhouse.agent.serving;

import com.fasterxml.jackson.core.JsonGenerator;
import io.stillhouse.agent.inference.InferenceOutcome.Answered;
import io.stillhouse.agent.inference.LoadedSlot;
import io.stillhouse.agent.inference.Preprocessing;
import java.io.IOException;
import java.util.List;

/** Writes the protocol's JSON documents about the live model and its answers. */
final class InferResponse {
  static final String LOGITS = "logits";
  static final String LABEL = "label";
  static final String CONFIDENCE = "confidence";

  /** Raw scores (n, classes); the winning class's name (n); its soft-max probability (n). */
  static final List<String> OUTPUTS = List.of(LOGITS, LABEL, CONFIDENCE);

  private InferResponse() {}

  /** The answers to one request, all of one model. */
  static void write(JsonGenerator json, InferRequest request, List<Answered> answers)
      throws IOException {
    LoadedSlot.ModelCard card = answers.get(0).slot().card();
    json.writeStartObject();
    json.writeStringField("model_name", card.model());
    json.writeStringField("model_version", Long.toString(card.version()));
    if (!request.id().isEmpty()) {
      json.writeStringField("id", request.id());
    }
    json.writeArrayFieldStart("outputs");
    for (String output : request.outputs().isEmpty() ? OUTPUTS : request.outputs()) {
      switch (output) {
        case LOGITS -> logits(json, answers);
        case LABEL -> labels(json, answers, card.labels());
        default -> confidences(json, answers);
      }
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void logits(JsonGenerator json, List<Answered> answers) throws IOException {
    int classes = answers.get(0).logits().size();
    begin(json, LOGITS, "FP32", answers.size(), classes);
    for (Answered answer : answers) {
      for (int i = 0; i < classes; i++) {
        json.writeNumber(answer.logits().get(i));
      }
    }
    end(json);
  }

  private static void labels(JsonGenerator json, List<Answered> answers, List<String> names)
      throws IOException {
    begin(json, LABEL, "BYTES", answers.size());
    for (Answered answer : answers) {
      json.writeString(names.get(answer.label()));
    }
    end(json);
  }

  private static void confidences(JsonGenerator json, List<Answered> answers) throws IOException {
    begin(json, CONFIDENCE, "FP32", answers.size());
    for (Answered answer : answers) {
      json.writeNumber((float) answer.confidence());
    }
    end(json);
  }

  private static void begin(JsonGenerator json, String name, String datatype, int... shape)
      throws IOException {
    tensor(json, name, datatype, shape);
    json.writeArrayFieldStart("data");
  }

  private static void end(JsonGenerator json) throws IOException {
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void tensor(JsonGenerator json, String name, String datatype, int... shape)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("name", name);
    json.writeStringField("datatype", datatype);
    json.writeFieldName("shape");
    json.writeArray(shape, 0, shape.length);
  }

  /** Model metadata; an open batch axis is -1. */
  static void metadata(JsonGenerator json, LoadedSlot slot) throws IOException {
    LoadedSlot.ModelCard card = slot.card();
    Preprocessing input = card.preprocessing();
    json.writeStartObject();
    json.writeStringField("name", card.model());
    json.writeArrayFieldStart("versions");
    json.writeString(Long.toString(card.version()));
    json.writeEndArray();
    json.writeStringField("platform", "onnxruntime_onnx");
    json.writeArrayFieldStart("inputs");
    tensor(json, InferRequest.INPUT, "FP32", -1, input.channels(), input.height(), input.width());
    json.writeEndObject();
    json.writeEndArray();
    json.writeArrayFieldStart("outputs");
    tensor(json, LOGITS, "FP32", -1, card.labels().size());
    json.writeEndObject();
    tensor(json, LABEL, "BYTES", -1);
    json.writeEndObject();
    tensor(json, CONFIDENCE, "FP32", -1);
    json.writeEndObject();
    json.writeEndArray();
    json.writeObjectFieldStart("parameters");
    json.writeStringField("digest", slot.digest());
    json.writeStringField("precision", card.precision().name());
    json.writeBooleanField("probation", slot.probation());
    json.writeArrayFieldStart("labels");
    for (String label : card.labels()) {
      json.writeString(label);
    }
    json.writeEndArray();
    json.writeEndObject();
    json.writeEndObject();
  }
}
