/** A fake tunnel that serves its status over real sockets, as `up` does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  offerStatus,
  type OfferStatusOptions,
  type StatusOffer,
} from '../../../src/app/status/offer-status.js';
import { systemClock, systemWallClock } from '../../../src/system/clock.js';
import { localListeners } from '../../../src/system/network/local-listener.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { RecordingLog } from './recording-log.js';
import { TUNNEL_STATUS } from './status-report.js';

export class OfferedStatus {
  /** The folder of the control sockets. */
  readonly folder = mkdtempSync(join(tmpdir(), 'arctun-run-'));
  readonly log = new RecordingLog();
  readonly stop = new AbortController();
  /** The status served from now on; a promise that never settles simulates a hanging data path. */
  status: () => Promise<TunnelStatus> = () => Promise.resolve(TUNNEL_STATUS);
  readonly #offers: StatusOffer[] = [];

  /** Opens a further tunnel that serves the same status. */
  async open(options: Partial<OfferStatusOptions> = {}): Promise<StatusOffer> {
    const offer = await offerStatus(
      {
        tunnel: () => ({ status: () => this.status() }),
        interfaceName: 'soratun0',
        simId: '8942310022000012345',
        version: '0.1.0',
        uapiName: undefined,
        pid: 4711,
        listeners: () => ({ forward: 'http://127.0.0.1:8888', proxy: '127.0.0.1:1080' }),
        counters: () => ({ forward: { requests: 5, failures: 2, active: 1 } }),
        folders: [this.folder],
        statusListen: undefined,
        signal: this.stop.signal,
        ...options,
      },
      { clock: systemClock, wallClock: systemWallClock, log: this.log, listeners: localListeners },
    );
    this.#offers.push(offer);
    return offer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#offers.map((offer) => offer.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
