package io.stillhouse.server.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code NAME@VERSION}, as people write a model version. */
record ModelReference(String model, long version) {
  String path() {
    return "/models/" + CoordinatorClient.part(model) + "/versions/" + version;
  }

  /** Reads one. */
  static final class Converter implements ITypeConverter<ModelReference> {
    @Override
    public ModelReference convert(String text) {
      if (!text.matches("[^@]+@[1-9]\\d{0,17}")) {
        throw new TypeConversionException("'" + text + "' is no NAME@VERSION, e.g. inspect@1");
      }
      int at = text.lastIndexOf('@');
      return new ModelReference(text.substring(0, at), Long.parseLong(text.substring(at + 1)));
    }
  }
}
