import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import type { Dialer } from '../../proxy/dialer.js';
import { DnsForwarder } from '../../proxy/dns/dns-forwarder.js';
import { type DnsListener, startDnsListener } from '../../proxy/dns/dns-listener.js';
import { DnsUpstream } from '../../proxy/dns/dns-upstream.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';

/** How to reach the name servers. */
export interface NameServerDialers {
  readonly dialer: Dialer;
  readonly datagrams: DatagramDialer;
}

/**
 * Opens the DNS listener, which uses the tunnel's name servers and fixed names.
 *
 * @throws UserError if the port cannot be opened
 */
export async function openDnsListener(
  listen: ListenAddress,
  { nameServers, hosts, fallbackHosts }: TunnelConfig,
  { dialer, datagrams }: NameServerDialers,
  { clock, entropy, log }: Pick<TunnelPorts, 'clock' | 'entropy' | 'log'>,
): Promise<DnsListener> {
  const servers = { servers: nameServers, datagrams, streams: dialer };
  const upstream = new DnsUpstream({ ...servers, clock, entropy });
  const forwarder = new DnsForwarder({ upstream, hosts, fallbackHosts, clock, log });
  const listener = await startDnsListener({ listen, flag: '--dns-listen', forwarder, clock, log });
  log.info({ address: listener.authority }, 'DNS listening');
  return listener;
}
