import { untilAborted } from '../../../lib/waits.js';
import type { DatagramDialer, DatagramPorts } from '../../../proxy/datagram-dialer.js';
import type { Dialer } from '../../../proxy/dialer.js';
import type { UserspaceTunnel } from '../../../tunnel/userspace-tunnel.js';

/** The parts of a tunnel that its listeners use, available before it opens. Calls wait until then. */
export class LaterTunnel {
  readonly dialer: Dialer = {
    dial: async (target, signal) => (await this.#opened(signal)).dialer.dial(target, signal),
  };
  readonly datagramDialer: DatagramDialer = {
    open: async (target, signal) =>
      (await this.#opened(signal)).datagramDialer.open(target, signal),
  };
  readonly datagramPorts: DatagramPorts = {
    bind: async (onDatagram) => (await this.#opened()).datagramPorts.bind(onDatagram),
    resolve: async (name, signal) =>
      (await this.#opened(signal)).datagramPorts.resolve(name, signal),
  };
  readonly #opening: Promise<LaterParts>;
  #open: (opening: Promise<LaterParts>) => void = () => undefined;
  #tunnel: LaterParts | undefined;

  constructor() {
    this.#opening = new Promise((resolve) => {
      this.#open = resolve;
    });
    // The caller of open() reports a failure, and possibly no call is waiting.
    this.#opening.then(
      (tunnel) => (this.#tunnel = tunnel),
      () => undefined,
    );
  }

  /** @param opening the tunnel to use; if the promise rejects, every call rejects */
  open(opening: Promise<LaterParts>): void {
    this.#open(opening);
  }

  /** Returns the current allowed IPs, which a reload may change; none before the tunnel opens. */
  async allowedIps(): Promise<readonly string[]> {
    const status = await this.#tunnel?.status();
    return status?.peers.flatMap(({ allowedIps }) => allowedIps) ?? [];
  }

  #opened(signal?: AbortSignal): Promise<LaterParts> {
    return untilAborted(this.#opening, signal);
  }
}

type LaterParts = Pick<UserspaceTunnel, 'dialer' | 'datagramDialer' | 'datagramPorts' | 'status'>;
