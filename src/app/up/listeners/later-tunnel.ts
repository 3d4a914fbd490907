import { LaterDatagramDialer, LaterDatagramPorts } from '../../../proxy/datagram-dialer.js';
import { LaterDialer } from '../../../proxy/dialer.js';
import type { UserspaceTunnel } from '../../../tunnel/userspace-tunnel.js';

/** The parts of a tunnel that its listeners use, available before it opens. Calls wait until then. */
export class LaterTunnel {
  readonly dialer = new LaterDialer();
  readonly datagramDialer = new LaterDatagramDialer();
  readonly datagramPorts = new LaterDatagramPorts();
  #tunnel: UserspaceTunnel | undefined;

  /** @param opening the tunnel to use; if the promise rejects, every call rejects */
  open(opening: Promise<UserspaceTunnel>): void {
    this.dialer.open(opening.then(({ dialer }) => dialer));
    this.datagramDialer.openWith(opening.then(({ datagramDialer }) => datagramDialer));
    this.datagramPorts.open(opening.then(({ datagramPorts }) => datagramPorts));
    opening.then(
      (tunnel) => (this.#tunnel = tunnel),
      () => undefined,
    );
  }

  /** Returns the current allowed IPs, which a reload may change; none before the tunnel opens. */
  async allowedIps(): Promise<readonly string[]> {
    const status = await this.#tunnel?.status();
    return status?.peers.flatMap(({ allowedIps }) => allowedIps) ?? [];
  }
}
