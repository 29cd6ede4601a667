package io.stillhouse.lab.export;

import java.util.List;

/** Float32 arithmetic on weights that are stored in another form. */
abstract class StoredWeightCoding extends FloatCoding {
  private final OnnxFile file;

  StoredWeightCoding(OnnxFile file) {
    super(file);
    this.file = file;
  }

  OnnxFile file() {
    return file;
  }

  String cast(String name, String from, int type) {
    return file.node("Cast", name, List.of(from), OnnxFile.attribute("to", (long) type));
  }
}
