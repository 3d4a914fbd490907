/**
 * Why no data arrives from the peer, as far as this device can tell:
 *
 * - `no-answer`: no packet arrives; the peer does not know the key, or a firewall blocks packets
 * - `wrong-key`: packets arrive, but they do not decrypt with the local keys
 * - `under-load`: the peer sent a cookie reply and has not answered since
 * - `clock-behind`: no packet arrives, and this machine's clock is years behind
 * - `no-data-back`: the handshake completed and data is sent, but no data returns
 * - `name-not-found`: the peer's host name has no address
 * - `cannot-send`: this machine cannot send to the peer
 */
export type Silence = (typeof SILENCES)[number];

export const SILENCES = [
  'no-answer',
  'wrong-key',
  'under-load',
  'clock-behind',
  'no-data-back',
  'name-not-found',
  'cannot-send',
] as const;
