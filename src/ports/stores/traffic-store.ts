import type { TrafficDays } from '../../lib/traffic-days.js';

/** Stores the traffic of each SIM by day, for all processes of this user. */
export interface TrafficStore {
  /**
   * Returns the stored traffic; empty if none is stored or the file is not valid.
   *
   * @param name identifies the SIM: letters and digits only
   * @throws Error if the file cannot be read
   */
  read(name: string): Promise<TrafficDays>;
  /**
   * Adds traffic to what all processes have stored, and replaces the file atomically.
   *
   * @returns the sums
   * @throws Error if the file cannot be read or written; nothing was added
   */
  add(name: string, days: TrafficDays): Promise<TrafficDays>;
}
