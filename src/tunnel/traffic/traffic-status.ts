/** Connects the traffic of a tunnel with the account of its SIM. */
import { addDays, type TrafficDays } from '../../lib/traffic-days.js';
import type { TrafficStore } from '../../ports/stores/traffic-store.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import type { TrafficStatus } from '../tunnel-status.js';
import { BudgetGate } from './budget-gate.js';
import type { OuterTraffic } from './outer-traffic.js';
import { TrafficAccount } from './traffic-account.js';

/** Opens the account of the tunnel's SIM; returns undefined if traffic is not stored. */
export function openAccount(
  config: TunnelConfig,
  ports: TunnelPorts,
  { sent, received }: OuterTraffic,
): TrafficAccount | undefined {
  const { budget } = config;
  const { clock, wallClock, entropy, log } = ports;
  const store = ports.traffic ?? (budget && memoryStore());
  if (store === undefined) return undefined;
  const total = () => ({ sentBytes: sent.bytes, receivedBytes: received.bytes });
  return new TrafficAccount({
    name: accountName(config, ports),
    store,
    total,
    clock,
    wallClock,
    entropy,
    log,
    budget,
  });
}

/** Counts the traffic of this process only, for a budget without stored traffic. */
function memoryStore(): TrafficStore {
  const days = new Map<string, TrafficDays>();
  const read = (name: string) => days.get(name) ?? {};
  return {
    read: (name) => Promise.resolve(read(name)),
    add: (name, added) => {
      const sums = addDays(read(name), added);
      days.set(name, sums);
      return Promise.resolve(sums);
    },
  };
}

/** Returns the gate of the tunnel's budget; undefined without a budget. */
export function openGate(
  { budget }: TunnelConfig,
  { clock, wallClock, log }: TunnelPorts,
  { sent, received }: OuterTraffic,
  account: TrafficAccount | undefined,
): BudgetGate | undefined {
  if (budget === undefined || account === undefined) return undefined;
  const total = () => sent.bytes + received.bytes;
  return new BudgetGate({ account, total, clock, wallClock, log });
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
  gate: BudgetGate | undefined,
): TrafficStatus {
  const budget = gate && { budget: gate.uses() };
  return { sent: sent.totals(), received: received.totals(), ...account?.status(), ...budget };
}
