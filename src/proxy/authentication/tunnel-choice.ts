/** Chooses one of several tunnels by the name that a client sends. */
import type { DatagramPorts } from '../datagram-dialer.js';
import type { Dialer } from '../dialer.js';
import type { KeptConnections } from '../http/target/kept-connections.js';

/** The tunnel that a client has chosen. */
export interface ChosenTunnel {
  /** The name of its SIM, for the log. */
  readonly name: string;
  readonly dialer: Dialer;
  /** See ExchangeContext. */
  readonly kept?: KeptConnections | undefined;
  /** The tunnel's side of UDP ASSOCIATE; undefined if UDP is not available. */
  readonly datagramPorts?: DatagramPorts | undefined;
}

/** The tunnels of a listener, each with a name. */
export interface TunnelChoice {
  /** Returns the tunnel with this name; undefined if no tunnel has it. */
  find(name: string): ChosenTunnel | undefined;
  /** Returns the sorted names of all tunnels. */
  names(): readonly string[];
}

/** The maximum number of names in a message. */
const MAX_NAMES = 20;

/**
 * Builds the message for a client whose name is unknown.
 *
 * @param mayList whether the client may know the names: they are as private as the SIMs
 */
export function unknownName(choice: TunnelChoice, mayList: boolean): string {
  return `no SIM of this arctun has the given name${mayList ? listOf(choice) : ''}`;
}

/** Lists the names for a message that does not end with a period. */
export function listOf(choice: TunnelChoice): string {
  const names = choice.names();
  if (names.length === 0) return '; it has no SIMs';
  const more = names.length - MAX_NAMES;
  const listed = names.slice(0, MAX_NAMES).join(', ');
  return `; the names are ${listed}${more > 0 ? `, and ${more} more` : ''}`;
}
