/**
 * Why nothing comes from the other end of the tunnel, as far as this end can know:
 *
 * - `no-answer`: nothing at all comes back; the key is unknown there, or a firewall is in between
 * - `wrong-key`: answers come, and they are not for our keys
 * - `under-load`: the peer has asked for a cookie and not answered since
 * - `clock-behind`: no answer, and the clock of this machine is years behind
 * - `no-data-back`: the handshake is done, data goes out, and none comes back
 * - `name-not-found`: the peer's name has no address
 * - `cannot-send`: this machine does not send what is for the peer
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
