package io.stillhouse.lab.compress;

import java.util.List;

/**
 * Channels that can only go together: removing channel i of one member means removing it of all.
 *
 * @param channels how many there are
 * @param makers convolutions and linear layers whose output channels they are
 * @param followers depthwise convolutions and normalisations that work channel by channel
 * @param readers convolutions and linear layers whose input channels they are; a linear layer
 *     behind a flatten reads several features of each
 */
public record PruningGroup(
    int channels, List<String> makers, List<String> followers, List<String> readers) {
  public PruningGroup {
    makers = List.copyOf(makers);
    followers = List.copyOf(followers);
    readers = List.copyOf(readers);
  }
}
