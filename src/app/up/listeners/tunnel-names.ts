/**
 * The names of SORACOM's services inside the tunnel. Other names under soracom.io, such as those of
 * the API and the user console, are on the internet.
 */
export const TUNNEL_NAMES: readonly string[] = [
  'uni.soracom.io',
  'unified.soracom.io',
  'beam.soracom.io',
  'funnel.soracom.io',
  'funk.soracom.io',
  'harvest.soracom.io',
  'harvest-files.soracom.io',
  'metadata.soracom.io',
  'pong.soracom.io',
  'ntp.soracom.io',
];
