/** Offers the SIMs of a fleet to the clients of one listener. */
import type { ChosenTunnel, TunnelChoice } from '../../proxy/authentication/tunnel-choice.js';
import { KeptConnections } from '../../proxy/http/target/kept-connections.js';
import type { Opener } from '../../proxy/status/connection-list.js';
import type { Fleet } from './fleet.js';
import type { FleetMember } from './fleet-member.js';

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
