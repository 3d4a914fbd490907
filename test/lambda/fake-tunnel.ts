import type { Duplex } from 'node:stream';

import type { SandboxTunnel } from '../../src/lambda/sandbox-tunnel.js';
import type { DialTarget } from '../../src/proxy/dialer.js';
import { HandshakeWaits } from '../../src/tunnel/server/handshake-waits.js';
import { TunnelError } from '../../src/tunnel/tunnel-error.js';
import { KeepableSide } from '../proxy/support/keepable.js';
import type { FakeClock } from '../support/fakes/fake-clock.js';

/** A dial that the test settles, unless its signal does. */
export interface FakeDial {
  readonly target: DialTarget;
  readonly signal: AbortSignal;
  readonly succeed: (stream: Duplex) => void;
}

/** A tunnel whose handshakes the test controls. */
export class FakeTunnel implements SandboxTunnel {
  hasSession = false;
  readonly dials: FakeDial[] = [];
  /** The grace period of each close(), in ms. */
  readonly closed: number[] = [];
  refreshed = 0;
  onRefresh: () => void = () => undefined;
  readonly #waits: HandshakeWaits;

  constructor(clock: FakeClock) {
    this.#waits = new HandshakeWaits(clock);
  }

  readonly dialer = {
    dial: (target: DialTarget, signal?: AbortSignal) =>
      new Promise<Duplex>((succeed, reject) => {
        if (signal === undefined) throw new Error('a dial without a signal has no end');
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        this.dials.push({ target, signal, succeed });
      }),
  };

  handshake(): void {
    this.hasSession = true;
    this.#waits.end();
  }

  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.hasSession) return Promise.resolve();
    return this.#waits.wait(deadline, noAnswer, signal);
  }

  refreshSession(): void {
    this.refreshed++;
    this.onRefresh();
  }

  close({ gracePeriod }: { readonly gracePeriod: number }): Promise<void> {
    this.closed.push(gracePeriod);
    return Promise.resolve();
  }
}

export function noAnswer(): TunnelError {
  return new TunnelError('no-answer', { what: 'no handshake', why: 'the server is silent' });
}

export const openStream = (): Duplex => new KeepableSide();

/** Waits until the handlers of all settled promises have run. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
