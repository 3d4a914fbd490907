/** Tunnels that use the kernel's own WireGuard. */
import type { KernelInterface, KernelWireGuard } from '../../ports/kernel-wireguard.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { Tunnel } from '../tunnel.js';
import type { InterfaceTunnel, InterfaceTunnels } from './interface-tunnel.js';
import { KernelTunnel, type KernelTunnelPorts } from './kernel-tunnel.js';

export class KernelTunnels implements InterfaceTunnels {
  readonly #kernel: KernelWireGuard;
  readonly #ports: KernelTunnelPorts;
  readonly #publicKey: Uint8Array;

  constructor(kernel: KernelWireGuard, ports: KernelTunnelPorts, publicKey: Uint8Array) {
    this.#kernel = kernel;
    this.#ports = ports;
    this.#publicKey = publicKey;
  }

  open(name: string): Promise<InterfaceTunnel> {
    // Inside a promise, a synchronous error becomes a rejection.
    return new Promise((resolve) => {
      const created = this.#kernel.create(name, this.#publicKey);
      resolve(new KernelInterfaceTunnel(created, this.#ports));
    });
  }
}

class KernelInterfaceTunnel implements InterfaceTunnel {
  readonly mode = 'kernel';
  readonly gone: Promise<Error>;
  readonly #interface: KernelInterface;
  readonly #ports: KernelTunnelPorts;
  #onGone: (cause: Error) => void = () => undefined;
  #tunnel: KernelTunnel | undefined;

  constructor(created: KernelInterface, ports: KernelTunnelPorts) {
    this.#interface = created;
    this.#ports = ports;
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve;
    });
  }

  get interfaceName(): string {
    return this.#interface.name;
  }

  start(config: TunnelConfig): Promise<Tunnel> {
    return new Promise((resolve) => {
      try {
        this.#tunnel = new KernelTunnel(config, this.#ports, this.#interface, this.#onGone);
      } catch (error) {
        this.#interface.remove();
        throw error;
      }
      resolve(this.#tunnel);
    });
  }

  close(): Promise<void> {
    this.#tunnel?.close();
    this.#interface.remove();
    return Promise.resolve();
  }
}
