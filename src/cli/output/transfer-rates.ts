/** Computes transfer rates from the byte counters of two successive samples. */
import type { StatusReport } from '../../app/status/status-report.js';
import type { PeerStatus } from '../../tunnel/tunnel-status.js';

/** Bytes per second. */
export interface TransferRate {
  readonly sent: number;
  readonly received: number;
}

interface Sample {
  readonly at: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export class TransferRates {
  #earlier: ReadonlyMap<string, Sample> = new Map();
  #latest: ReadonlyMap<string, Sample> = new Map();

  /** Takes another sample; `now` is in monotonic milliseconds. */
  look(reports: readonly StatusReport[], now: number): void {
    const samples = new Map<string, Sample>();
    for (const report of reports) {
      for (const peer of report.peers) {
        const { sentBytes, receivedBytes } = peer;
        samples.set(keyOf(report, peer), { at: now, sentBytes, receivedBytes });
      }
    }
    this.#earlier = this.#latest;
    this.#latest = samples;
  }

  /** Returns the rate between the last two samples; undefined if there is no earlier sample. */
  of(report: StatusReport, peer: PeerStatus): TransferRate | undefined {
    const [earlier, latest] = [this.#earlier, this.#latest].map((look) =>
      look.get(keyOf(report, peer)),
    );
    if (earlier === undefined || latest === undefined || latest.at <= earlier.at) return undefined;
    const seconds = (latest.at - earlier.at) / 1000;
    const sent = (latest.sentBytes - earlier.sentBytes) / seconds;
    const received = (latest.receivedBytes - earlier.receivedBytes) / seconds;
    // The counters restart at zero after a peer is removed and added again.
    return sent < 0 || received < 0 ? undefined : { sent, received };
  }
}

/**
 * Returns the key of a peer's counters, which includes the process ID and start time, because
 * another process with the same tunnel name has its own counters.
 */
function keyOf({ name, pid, openedUnix }: StatusReport, { publicKey }: PeerStatus): string {
  return [name, pid, openedUnix, publicKey].join(' ');
}
