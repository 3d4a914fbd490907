/** The local listeners that all SIMs of a fleet share. */
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { type Dialer, DialError } from '../../proxy/dialer.js';
import { startForwarder } from '../../proxy/forward/forwarder.js';
import type { HttpListener, ListenerCounters } from '../../proxy/http/listener.js';
import type { Opener } from '../../proxy/status/connection-list.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import {
  type ForwardSettings,
  type ListenerOptions,
  openProxy,
  type ProxySettings,
} from '../up/listeners/userspace-listeners.js';
import type { UserspaceAddresses } from '../up/running-tunnel.js';
import type { Fleet } from './fleet.js';
import type { ChosenTunnel, TunnelChoice } from '../../proxy/authentication/tunnel-choice.js';
import { KeptConnections } from '../../proxy/http/target/kept-connections.js';
import type { FleetMember } from './fleet-member.js';

export type FleetListenerOptions = Pick<
  ListenerOptions,
  'forward' | 'furtherForwards' | 'proxy' | 'resends'
>;

type FleetListenerPorts = Pick<TunnelPorts, 'log' | 'sockets'>;

/** Each client chooses its tunnel, so that nothing is ever sent through another one. */
const NO_DIALER: Dialer = {
  dial: () => Promise.reject(new DialError('not-ready', 'the client has not chosen a SIM')),
};

export class FleetListeners {
  readonly #fleet: Fleet;
  readonly #resends: boolean;
  readonly #ports: FleetListenerPorts;
  readonly #choices: ListenerChoice[] = [];
  #forwarder: HttpListener | undefined;
  /** The further forwarders with their targets. */
  readonly #further: { readonly listener: HttpListener; readonly target: string }[] = [];
  #proxy: HttpListener | undefined;

  private constructor(fleet: Fleet, resends: boolean, ports: FleetListenerPorts) {
    this.#fleet = fleet;
    this.#resends = resends;
    this.#ports = ports;
    fleet.onRemoved((member) => this.#choices.forEach((choice) => choice.forget(member)));
  }

  /** @throws UserError if a port is unavailable; nothing is open then */
  static async open(
    options: FleetListenerOptions,
    fleet: Fleet,
    ports: FleetListenerPorts,
  ): Promise<FleetListeners> {
    const listeners = new FleetListeners(fleet, options.resends, ports);
    try {
      await listeners.#open(options);
      return listeners;
    } catch (error) {
      await listeners.close(0);
      throw error;
    }
  }

  /** Returns where the listeners are. */
  addresses(): UserspaceAddresses {
    const further = this.#further.map(({ listener: { url }, target }) => ({ url, target }));
    return {
      forward: this.#forwarder?.url ?? '',
      ...(further.length > 0 && { furtherForwarders: further }),
      proxy: this.#proxy?.authority,
    };
  }

  counters(): Readonly<Record<string, ListenerCounters>> {
    return {
      ...(this.#forwarder && { forward: this.#forwarder.counters }),
      ...Object.fromEntries(
        this.#further.map(({ listener }) => [`forward ${listener.authority}`, listener.counters]),
      ),
      ...(this.#proxy && { proxy: this.#proxy.counters }),
    };
  }

  /** @param graceMs how long running exchanges may take to finish */
  async close(graceMs: number): Promise<void> {
    const grace = { graceMs };
    for (const choice of this.#choices) choice.close();
    await Promise.all([
      this.#forwarder?.close(grace),
      ...this.#further.map(({ listener }) => listener.close(grace)),
      this.#proxy?.close(grace),
    ]);
  }

  async #open({ forward, furtherForwards = [], proxy }: FleetListenerOptions): Promise<void> {
    this.#forwarder = await this.#forward(forward);
    for (const further of furtherForwards) {
      const listener = await this.#forward(further);
      this.#further.push({ listener, target: formatAuthority(further.target) });
    }
    this.#proxy = proxy && (await this.#openProxy(proxy));
  }

  async #forward(settings: ForwardSettings): Promise<HttpListener> {
    const { log } = this.#ports;
    const choice = this.#choice('forwarder');
    const listener = await startForwarder({ ...settings, dialer: NO_DIALER, choice, log });
    log.info({ url: listener.url }, 'forwarder listening');
    return listener;
  }

  #openProxy(settings: ProxySettings): Promise<HttpListener | undefined> {
    const { log, sockets } = this.#ports;
    const upstream = { dialer: NO_DIALER, choice: this.#choice('proxy'), udp: { sockets } };
    return openProxy(settings, { ...upstream, allowedIps: () => this.#allowedIps() }, log);
  }

  #choice(opener: Opener): ListenerChoice {
    const choice = new ListenerChoice(this.#fleet, { opener, resends: this.#resends });
    this.#choices.push(choice);
    return choice;
  }

  /** Returns the allowed IPs of all SIMs, for the PAC file. */
  async #allowedIps(): Promise<readonly string[]> {
    const asked = this.#fleet.members.map((member) => member.status().catch(() => undefined));
    const peers = (await Promise.all(asked)).flatMap((status) => status?.peers ?? []);
    return [...new Set(peers.flatMap(({ allowedIps }) => allowedIps))];
  }
}

interface ListenerChoiceOptions {
  readonly opener: Opener;
  /** See ListenerOptions. */
  readonly resends: boolean;
}

export class ListenerChoice implements TunnelChoice {
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
