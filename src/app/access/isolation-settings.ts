/**
 * What the process inside the namespaces learns from the process outside, over the local socket that
 * also carries the shared tunnel:
 *
 *     {"request":"isolation","network":"net:[…]"}  →  {"isolation":{…}}
 *
 * The connection stays open while both processes live.
 */
import type { HostNames } from '../../proxy/dns/host-names.js';
import type { LogOptions } from '../../ports/log.js';
import { lineOf } from '../../proxy/shared/requests.js';

export interface IsolationSettings {
  /** The network namespace of the process outside. */
  readonly outerNetwork: string;
  /** The folder for temporary files, which the process that ends last removes. */
  readonly folder: string;
  /** The IP addresses of the network interface, in text form: those of the tunnel. */
  readonly addresses: readonly string[];
  readonly mtu: number;
  readonly nameServers: readonly string[];
  readonly hosts: HostNames | undefined;
  readonly fallbackHosts: HostNames | undefined;
  readonly log: LogOptions;
}

/** @param network the network namespace of the process inside */
export function isolationRequest(network: string): string {
  return lineOf({ request: 'isolation', network });
}

export function isolationReply({ hosts, fallbackHosts, ...rest }: IsolationSettings): string {
  const entries = (names: HostNames | undefined) => names && [...names];
  const isolation = { ...rest, hosts: entries(hosts), fallbackHosts: entries(fallbackHosts) };
  return lineOf({ isolation });
}

/** Both processes run the same program, so a valid object has all members. */
export function readIsolationReply(
  reply: Readonly<Record<string, unknown>>,
): IsolationSettings | undefined {
  const { isolation } = reply;
  if (typeof isolation !== 'object' || isolation === null) return undefined;
  const { hosts, fallbackHosts, ...rest } = isolation as Record<string, unknown>;
  const names = (entries: unknown) =>
    Array.isArray(entries) ? (new Map(entries as [string, string[]][]) as HostNames) : undefined;
  return {
    ...(rest as unknown as IsolationSettings),
    hosts: names(hosts),
    fallbackHosts: names(fallbackHosts),
  };
}
