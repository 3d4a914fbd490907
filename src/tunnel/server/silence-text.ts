/** The messages about a silent Arc server: the reason, if known, and what to do. */
import { isDenied } from '../../lib/errors/error-message.js';
import type { UserErrorText } from '../../lib/errors/user-error.js';
import type { Silence } from '../../lib/silence.js';
import { type ConfigName, commandFor } from '../../lib/text/config-name.js';
import { isLoopback } from '../../proxy/listen-address.js';
import { TunnelError, type SilenceError } from '../tunnel-error.js';

/** The facts about a silence, except the reason. */
export interface SilenceFacts {
  /** The configuration that the advice names. */
  readonly configName: ConfigName;
  readonly host: string;
  readonly port: number;
  /** The endpoints tried since the server was last heard from, as strings. */
  readonly triedEndpoints: readonly string[];
  readonly initiations: number;
  /** Why the name could not be resolved or datagrams could not be sent. */
  readonly error: Error | undefined;
  readonly unixMilliseconds: number;
}

export function silenceError(reason: Silence, facts: SilenceFacts): SilenceError {
  return new TunnelError(reason, { ...TEXTS[reason](facts), cause: facts.error }) as SilenceError;
}

const NO_HANDSHAKE = 'no handshake with the Arc server';

const lookAtSim = ({ configName: { path } }: SilenceFacts) =>
  `run "${commandFor('sim show', path)}" to compare the keys and the session with SORACOM, or "${commandFor('bootstrap authkey', path)}" to create a new session`;

const TEXTS: Readonly<Record<Silence, (facts: SilenceFacts) => UserErrorText>> = {
  'no-answer': (facts) => ({
    what: NO_HANDSHAKE,
    why: unanswered(facts),
    next: [
      `Run "${commandFor('doctor', facts.configName.path)}" to find the reason.`,
      `Check the keys: ${lookAtSim(facts)}. A WireGuard server does not answer keys that it does not know.`,
      isLoopback(facts.host)
        ? `Check that \`arctun emulator\` is running. If it was restarted without --state, it does not know this SIM: move ${facts.configName.source} elsewhere and run bootstrap again.`
        : `Check that the network allows outgoing UDP packets to port ${facts.port}.`,
    ],
  }),
  'wrong-key': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${endpoints(facts)} responds, but its responses cannot be decrypted: it is using a different key or a pre-shared key`,
    next: [`Check the keys, which do not match: ${lookAtSim(facts)}.`],
  }),
  'under-load': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${endpoints(facts)} is under load: it sent a cookie instead of a response, and has sent nothing since`,
    next: ['Try again later. There is nothing to fix on this machine.'],
  }),
  'clock-behind': (facts) => ({
    what: NO_HANDSHAKE,
    why: `${unanswered(facts)}. This machine's clock says ${dateOf(facts.unixMilliseconds)}; if the server has already seen a later timestamp for this key, it will not answer`,
    next: ["Set this machine's clock, for example with NTP, and try again."],
  }),
  'no-data-back': (facts) => ({
    what: 'no data from the Arc server',
    why: `${endpoints(facts)} completes the handshake, but does not answer data packets`,
    next: [
      `Run "${commandFor('sim show', facts.configName.path)}" to check whether the SIM still has this session and whether the target is in arcAllowedIPs.`,
      `If only large packets are lost, try a smaller mtu in ${facts.configName.source}.`,
    ],
  }),
  'name-not-found': ({ host, error, configName }) => ({
    what: `cannot find the Arc server ${host}`,
    why: error?.message ?? 'the resolver has not answered yet',
    next: [`Check arcServerEndpoint in ${configName.source} and this machine's DNS settings.`],
  }),
  'cannot-send': (facts) => ({
    what: NO_HANDSHAKE,
    why: `cannot send packets to ${endpoints(facts)}: ${facts.error?.message ?? 'no socket'}`,
    next: [
      isDenied(facts.error)
        ? `Allow UDP to port ${facts.port} in this machine's firewall.`
        : "Check this machine's network: its address, its routes, and its cable or radio link.",
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
