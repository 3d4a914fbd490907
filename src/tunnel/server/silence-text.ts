/** The sentences for a silent Arc server: why, as far as it is known, and what to do. */
import { isDenied } from '../../lib/errors/error-message.js';
import type { Silence } from '../../lib/silence.js';
import { TunnelError, type SilenceError } from '../tunnel-error.js';

/** What a tunnel knows of its silence besides the reason. */
export interface SilenceFacts {
  readonly host: string;
  readonly port: number;
  /** Where the initiations went since the server was last heard, as text. */
  readonly triedEndpoints: readonly string[];
  readonly initiations: number;
  /** Why the name could not be resolved, or what goes to the server not be sent. */
  readonly error: Error | undefined;
  readonly unixMilliseconds: number;
}

export function silenceError(reason: Silence, facts: SilenceFacts): SilenceError {
  const options = facts.error && { cause: facts.error };
  return new TunnelError(reason, TEXTS[reason](facts), options) as SilenceError;
}

interface Text {
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[];
}

const NO_HANDSHAKE = 'no handshake with the Arc server';
const LOOK_AT_SIM =
  'compare privateKey and arcServerPeerPublicKey with the platform by "arctun sim show", or make a new session with "arctun bootstrap authkey"';

const TEXTS: Readonly<Record<Silence, (facts: SilenceFacts) => Text>> = {
  'no-answer': (facts) => ({
    what: NO_HANDSHAKE,
    why: unanswered(facts),
    next: [
      `A WireGuard server is silent towards a key that it does not know: ${LOOK_AT_SIM}.`,
      `Check that UDP to port ${facts.port} may leave this network.`,
      `The clock of this machine says ${dateOf(facts.unixMilliseconds)}: set it where that is behind, for a server that has seen a later time from this key is silent.`,
    ],
  }),
  'wrong-key': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${endpoints(facts)} answers, but its answers do not decrypt: it has another key, or a pre-shared one`,
    next: [`The keys do not belong together: ${LOOK_AT_SIM}.`],
  }),
  'under-load': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${endpoints(facts)} is under load: it has sent a cookie in place of an answer, and nothing since`,
    next: ['Nothing is wrong at this end: try again later.'],
  }),
  'clock-behind': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${unanswered(facts)}, and the clock of this machine says ${dateOf(facts.unixMilliseconds)}: a server that has seen a later time from this key is silent`,
    next: ['Set the clock of this machine, by NTP for instance, and try again.'],
  }),
  'no-data-back': (facts) => ({
    what: 'no data from the Arc server',
    why: `${endpoints(facts)} completes the handshake, but what is sent to it brings nothing back`,
    next: [
      'Look with "arctun sim show" whether the session is still that of this SIM, and whether the target is in arcAllowedIPs.',
      'Small packets may pass where large ones are lost: try a smaller mtu in arc.json.',
    ],
  }),
  'name-not-found': ({ host, error }) => ({
    what: `cannot find the Arc server ${host}`,
    why: error?.message ?? 'the resolver has not answered yet',
    next: ['Check arcServerEndpoint in arc.json and the DNS of this machine.'],
  }),
  'cannot-send': (facts) => ({
    what: NO_HANDSHAKE,
    why: `datagrams to ${endpoints(facts)} cannot be sent: ${facts.error?.message ?? 'no socket'}`,
    next: [
      isDenied(facts.error)
        ? `This machine's own firewall forbids it: allow UDP to port ${facts.port}.`
        : 'Check the network of this machine: its address, its route, its cable or radio.',
    ],
  }),
};

function unanswered(facts: SilenceFacts): string {
  const { initiations, triedEndpoints } = facts;
  const verb = triedEndpoints.length > 1 ? 'have' : 'has';
  return `${endpoints(facts)} ${verb} not answered ${initiations} handshake initiation${initiations === 1 ? '' : 's'}`;
}

function endpoints({ triedEndpoints, host, port }: SilenceFacts): string {
  return triedEndpoints.length > 0 ? triedEndpoints.join(', ') : `${host}:${port}`;
}

function dateOf(unixMilliseconds: number): string {
  return new Date(unixMilliseconds).toISOString().slice(0, 10);
}
