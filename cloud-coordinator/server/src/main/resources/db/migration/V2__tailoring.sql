-- What the latest tailoring of a version decided for each class. decisions: JSON, bounded by its writer.
CREATE TABLE tailoring (
  model VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  hardware_class VARCHAR(96) NOT NULL,
  decisions VARCHAR(65536) NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (model, version, hardware_class),
  FOREIGN KEY (model, version) REFERENCES model_version(model, version)
);
