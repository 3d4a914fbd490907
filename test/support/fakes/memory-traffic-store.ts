import { addDays, type TrafficDays } from '../../../src/lib/traffic-days.js';
import type { TrafficStore } from '../../../src/ports/stores/traffic-store.js';

/** The traffic files of all SIMs, in memory. */
export class MemoryTrafficStore implements TrafficStore {
  readonly files = new Map<string, TrafficDays>();
  writes = 0;
  failure: Error | undefined;
  /** Delays the next calls. */
  gate = Promise.resolve();

  async read(name: string): Promise<TrafficDays> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return this.files.get(name) ?? {};
  }

  async add(name: string, days: TrafficDays): Promise<TrafficDays> {
    await this.read(name);
    const sums = addDays(this.files.get(name) ?? {}, days);
    this.files.set(name, sums);
    this.writes++;
    return sums;
  }
}
