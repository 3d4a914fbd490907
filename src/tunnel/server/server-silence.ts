/** Explains why an Arc server is silent. */
import type { ConfigName } from '../../lib/text/config-name.js';
import type { Silence } from '../../lib/silence.js';
import type { Device, Peer, SilenceReason } from '../../engine/engine.js';
import { type EndpointSearch, isNetworkFault } from './endpoint-search.js';
import { endpointText } from './endpoint-text.js';
import type { PeerSilence } from './route.js';
import type { ServerAddresses } from './server-addresses.js';
import type { SilenceError } from '../tunnel-error.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { silenceError } from './silence-text.js';

export interface ServerSilenceOptions extends Pick<TunnelPorts, 'clock' | 'wallClock'> {
  readonly configName: ConfigName;
  readonly device: Device;
  readonly peer: Peer;
  /** The configured server: its name or address, and its port. */
  readonly server: { readonly host: string; readonly port: number };
  readonly addresses: ServerAddresses;
  readonly search: EndpointSearch;
}

export class ServerSilence implements PeerSilence {
  readonly #options: ServerSilenceOptions;

  constructor(options: ServerSilenceOptions) {
    this.#options = options;
  }

  /** Returns the error for a caller that has waited without a reply from the server. */
  explain(): SilenceError {
    const { configName, peer, server, addresses, search, wallClock } = this.#options;
    const { initiations, triedEndpoints, sendError } = search;
    const { endpoint } = peer;
    const current = endpoint === undefined ? [] : [endpointText(endpoint)];
    const reason = this.#reason();
    return silenceError(reason, {
      configName,
      ...server,
      triedEndpoints: triedEndpoints.length > 0 ? triedEndpoints : current,
      initiations,
      error: reason === 'cannot-send' ? (sendError ?? addresses.failure) : addresses.failure,
      unixMilliseconds: wallClock.unixMilliseconds(),
    });
  }

  /** Returns the error if no address is known and the resolver has failed. */
  blocked(): SilenceError | undefined {
    const { peer, addresses } = this.#options;
    const isLost = peer.endpoint === undefined && addresses.failure !== undefined;
    return isLost ? this.explain() : undefined;
  }

  #reason(): Silence {
    const { device, peer, addresses, search, clock } = this.#options;
    const now = clock.now();
    return silenceReason({
      cannotSend: search.sendError !== undefined || isNetworkFault(addresses.failure),
      hasAddress: addresses.count > 0,
      lookupFailed: addresses.failure !== undefined,
      device: device.silenceOf(peer, now),
      isHandshaking: peer.handshakeBeganAt !== undefined,
      hasSession: peer.hasSession(now),
    });
  }
}

export interface SilenceSigns {
  /** Whether the system rejects datagrams to the server, or has no route for the DNS lookup. */
  readonly cannotSend: boolean;
  readonly hasAddress: boolean;
  /** Whether the last lookup of the server's name failed. */
  readonly lookupFailed: boolean;
  /** The reason that the device reports: an unanswered handshake, or data without a reply. */
  readonly device: SilenceReason | undefined;
  /** Whether a handshake initiation is unanswered. */
  readonly isHandshaking: boolean;
  readonly hasSession: boolean;
}

/**
 * The first row that matches gives the reason. docs/reference/commands/health.md shows the same
 * table.
 */
export const SILENCE_ORDER: readonly (readonly [Silence, (signs: SilenceSigns) => boolean])[] = [
  // Without a network, no other reason can be determined.
  ['cannot-send', (signs) => signs.cannotSend],
  ['name-not-found', (signs) => !signs.hasAddress],
  // The server has answered, so its address is correct.
  ['wrong-key', (signs) => signs.device === 'wrong-key'],
  ['under-load', (signs) => signs.device === 'under-load'],
  ['clock-behind', (signs) => signs.device === 'clock-behind'],
  // The server does not respond, and its address may be outdated because the name can no longer be
  // resolved.
  ['name-not-found', (signs) => signs.device === 'no-answer' && signs.lookupFailed],
  ['no-answer', (signs) => signs.device === 'no-answer' || signs.isHandshaking],
  ['no-data-back', (signs) => signs.device === 'no-data-back' || signs.hasSession],
  ['no-answer', () => true],
];

export function silenceReason(signs: SilenceSigns): Silence {
  const row = SILENCE_ORDER.find(([, holds]) => holds(signs));
  return row?.[0] ?? 'no-answer';
}
