/** Connects the traffic of a tunnel with the account of its SIM. */
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import type { TrafficStatus } from '../tunnel-status.js';
import type { OuterTraffic } from './outer-traffic.js';
import { TrafficAccount } from './traffic-account.js';

/** Opens the account of the tunnel's SIM; returns undefined if traffic is not stored. */
export function openAccount(
  config: TunnelConfig,
  ports: TunnelPorts,
  { sent, received }: OuterTraffic,
): TrafficAccount | undefined {
  const { traffic: store, clock, wallClock, log } = ports;
  if (store === undefined) return undefined;
  const total = () => ({ sentBytes: sent.bytes, receivedBytes: received.bytes });
  return new TrafficAccount({
    name: accountName(config, ports),
    store,
    total,
    clock,
    wallClock,
    log,
  });
}

/** The name of the account: the SIM ID, or the public key in hex if arc.json has no SIM ID. */
export function accountName(
  { simId = '', privateKey }: TunnelConfig,
  { crypto }: Pick<TunnelPorts, 'crypto'>,
): string {
  if (/^[0-9A-Za-z]{1,64}$/.test(simId)) return simId;
  const key = crypto.publicKey(privateKey.expose());
  return [...key].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function trafficStatus(
  { sent, received }: OuterTraffic,
  account: TrafficAccount | undefined,
): TrafficStatus {
  return { sent: sent.totals(), received: received.totals(), ...account?.status() };
}
