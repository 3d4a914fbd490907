/** The local listeners that all SIMs of a fleet share. */
import type { ChosenTunnel, TunnelChoice } from '../../proxy/authentication/tunnel-choice.js';
import { type Dialer, DialError } from '../../proxy/dialer.js';
import { KeptConnections } from '../../proxy/http/target/kept-connections.js';
import type { Opener } from '../../proxy/status/connection-list.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { type HttpListenerOptions, HttpListeners } from '../up/listeners/http-listeners.js';
import type { ListenerOptions } from '../up/listeners/userspace-listeners.js';
import type { Fleet } from './fleet.js';
import type { FleetMember } from './fleet-member.js';

export interface FleetListenerOptions
  extends HttpListenerOptions, Pick<ListenerOptions, 'resends'> {}

/** Each client chooses its tunnel, so that nothing is ever sent through another one. */
const NO_DIALER: Dialer = {
  dial: () => Promise.reject(new DialError('not-ready', 'the client has not chosen a SIM')),
};

/** @throws UserError if a port is unavailable; nothing is open then */
export async function openFleetListeners(
  options: FleetListenerOptions,
  fleet: Fleet,
  { log, sockets }: Pick<TunnelPorts, 'log' | 'sockets'>,
): Promise<Pick<HttpListeners, 'addresses' | 'counters' | 'close'>> {
  const choices: ListenerChoice[] = [];
  fleet.onRemoved((member) => choices.forEach((choice) => choice.forget(member)));
  const choose = (opener: Opener) => {
    const choice = new ListenerChoice(fleet, { opener, resends: options.resends });
    choices.push(choice);
    return { dialer: NO_DIALER, choice };
  };
  const listeners = new HttpListeners(
    {
      forwarder: () => choose('forwarder'),
      proxy: () => ({ ...choose('proxy'), udp: { sockets } }),
      allowedIps: () => allowedIpsOf(fleet),
    },
    log,
  );
  const close = (graceMs: number) => {
    for (const choice of choices) choice.close();
    return listeners.close(graceMs);
  };
  try {
    await listeners.open(options);
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    addresses: () => listeners.addresses(),
    counters: () => listeners.counters(),
    close,
  };
}

/** Returns the allowed IPs of all SIMs, for the PAC file. */
async function allowedIpsOf({ members }: Fleet): Promise<readonly string[]> {
  const asked = members.map((member) => member.status().catch(() => undefined));
  const peers = (await Promise.all(asked)).flatMap((status) => status?.peers ?? []);
  return [...new Set(peers.flatMap(({ allowedIps }) => allowedIps))];
}

interface ListenerChoiceOptions {
  readonly opener: Opener;
  /** See ListenerOptions. */
  readonly resends: boolean;
}

/** Offers the SIMs of a fleet to the clients of one listener. */
class ListenerChoice implements TunnelChoice {
  readonly #fleet: Pick<Fleet, 'find' | 'members'>;
  readonly #options: ListenerChoiceOptions;
  /** The SIMs that clients have used. A SIM's connections are never used for another SIM. */
  readonly #chosen = new Map<FleetMember, ChosenTunnel & { readonly kept: KeptConnections }>();

  constructor(fleet: Pick<Fleet, 'find' | 'members'>, options: ListenerChoiceOptions) {
    this.#fleet = fleet;
    this.#options = options;
  }

  find(name: string): ChosenTunnel | undefined {
    const member = this.#fleet.find(name);
    if (member === undefined) return undefined;
    const known = this.#chosen.get(member);
    if (known !== undefined) return known;
    const { opener, resends } = this.#options;
    const chosen = {
      name: member.name,
      dialer: member.connections.watching(opener, member.dialer),
      datagramPorts: member.datagramPorts,
      kept: new KeptConnections({ resends }),
    };
    this.#chosen.set(member, chosen);
    return chosen;
  }

  names(): readonly string[] {
    return this.#fleet.members.map(({ name }) => name);
  }

  /** Closes the idle connections of a SIM that is removed. */
  forget(member: FleetMember): void {
    this.#chosen.get(member)?.kept.close();
    this.#chosen.delete(member);
  }

  /** Closes all idle connections. Call this when the listener closes. */
  close(): void {
    for (const { kept } of this.#chosen.values()) kept.close();
  }
}
