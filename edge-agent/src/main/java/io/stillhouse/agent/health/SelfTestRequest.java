package io.stillhouse.agent.health;

import io.stillhouse.agent.artifact.BundlePlan.InputShape;

/**
 * What the agent asks of the self-test process, as one line of JSON.
 *
 * @param slot directory of the bundle
 * @param nativeLibrary where the runtime's libraries are unpacked
 * @param threads that a run may use
 * @param latencyP99MicrosMax beyond it a measuring round is repeated; 0 = no limit
 */
record SelfTestRequest(
    String slot, String nativeLibrary, int threads, long latencyP99MicrosMax, Model model) {

  /** What the manifest says of the model file. */
  record Model(long bytes, String sha256, InputShape input, int classes) {}
}
