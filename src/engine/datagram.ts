/** The datagram as the layers above the engine see it. */
export type { Datagram, Endpoint } from '../wireguard/datagram.js';
