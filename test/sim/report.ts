/** The statistics of a run without violations. */
import type { Scenario } from './scenario.js';

export interface SimulationReport {
  readonly scenario: Scenario;
  readonly hours: number;
  readonly hoursWithTraffic: number;
  /** SHA-256 over all sent messages, in order: identical runs have equal digests. */
  readonly digest: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly network: Readonly<Record<string, number>>;
  /** By drop reason, for both ends and all their processes. */
  readonly drops: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  readonly incidents: Readonly<Record<string, number>>;
}

/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, amount = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)));
  }
}

export function formatReport(report: SimulationReport, seconds: number): string {
  const { scenario, hours, hoursWithTraffic, digest } = report;
  const { seed, mtu, mobile, presharedKey, persistentKeepalives } = scenario;
  const keepalives = `${persistentKeepalives.alice / 1000}/${persistentKeepalives.bob / 1000} s`;
  return [
    `seed ${seed}: clean, ${hours} h in ${seconds.toFixed(1)} s, traffic in ${hoursWithTraffic} h`,
    `  scenario: psk ${presharedKey ? 'on' : 'off'}, keepalives ${keepalives}, ` +
      `MTU ${mtu}, ${mobile} moves`,
    line('figures', report.figures),
    line('network', report.network),
    line('dropped', report.drops),
    line('events', report.events),
    line('incidents', report.incidents),
    `  digest: ${digest.slice(0, 32)}`,
  ].join('\n');
}

function line(title: string, counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return `  ${title}: ${parts.length > 0 ? parts.join(', ') : 'none'}`;
}
