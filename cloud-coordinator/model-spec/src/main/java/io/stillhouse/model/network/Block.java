package io.stillhouse.model.network;

import java.util.Optional;

/**
 * One row kind of a family's table. Channel numbers are those at width 1; the family's rounding
 * makes the built ones. Where a row repeats, only its first copy has the stride.
 */
interface Block {

  /** Factor by which the row shrinks each side of its input. */
  default int stride() {
    return 1;
  }

  /** The same row at stride 1: what the later repeats of a row are. */
  default Block unstrided() {
    return this;
  }

  /** What a small image gets in place of this row where its stride is dropped, if anything. */
  default Optional<Block> undiminished() {
    return Optional.of(unstrided());
  }

  /** Appends the row and returns the node that it ends in. */
  String append(Site site);

  /**
   * Where a row is appended.
   *
   * @param prefix of the names of its nodes
   * @param from the node it reads
   */
  record Site(GraphBuilder graph, String prefix, String from, Scale scale) {
    int in() {
      return graph.channels(from);
    }

    int scaled(int atWidthOne) {
      return scale.channels(atWidthOne);
    }

    String name(String suffix) {
      return prefix + suffix;
    }
  }

  /** A row whose channels are those at width 1, whatever the width. */
  record Unscaled(Block block) implements Block {
    @Override
    public int stride() {
      return block.stride();
    }

    @Override
    public Block unstrided() {
      return new Unscaled(block.unstrided());
    }

    @Override
    public Optional<Block> undiminished() {
      return block.undiminished().map(Unscaled::new);
    }

    @Override
    public String append(Site site) {
      return block.append(new Site(site.graph(), site.prefix(), site.from(), site.scale().at(1.0)));
    }
  }

  /** A row without a stride that grows with the width and never shrinks. */
  record AtLeastWhole(Block block) implements Block {
    @Override
    public String append(Site site) {
      Scale scale = site.scale().at(Math.max(1.0, site.scale().width()));
      return block.append(new Site(site.graph(), site.prefix(), site.from(), scale));
    }
  }
}
