/** Tunnels under network interfaces of the system, whichever thread they run in. */
import type { Conversation } from '../../ports/local-sockets.js';
import type { PacketInterface, PacketInterfaces } from '../../ports/packet-interfaces.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { TunTunnel } from './tun-tunnel.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelStatus } from '../tunnel-status.js';
import type { Tunnel } from '../tunnel.js';

export interface InterfaceTunnel extends Tunnel {
  /** The interface's, which it has before the tunnel is started. */
  readonly interfaceName: string;
  /** Resolves with why, when the interface was removed by somebody else, or what carries its packets has failed. */
  readonly gone: Promise<Error>;
  /**
   * Gives the interface what it is to have, and starts the search for the Arc server and the handshake.
   * Once, and before anything else is asked.
   *
   * @param captured for a tunnel in this thread alone: what sees all that it does
   * @throws what PacketInterfaces.configure() does; the interface is gone then
   */
  start(config: TunnelConfig, captured?: CapturedPorts): Promise<void>;
  /** Sends what the interface has given, and removes it. */
  close(): Promise<void>;
}

/** Those of a Capture. */
export type CapturedPorts = Pick<TunnelPorts, 'sockets' | 'observer'>;

/** Makes them. */
export interface InterfaceTunnels {
  /**
   * Makes the interface, which is down and has no address.
   *
   * @param name as the system takes it; empty where it is to choose
   * @throws PacketInterfaceError
   */
  open(name: string): Promise<InterfaceTunnel>;
}

/** Tunnels in this thread. */
export class LocalInterfaceTunnels implements InterfaceTunnels {
  readonly #devices: PacketInterfaces;
  readonly #ports: TunnelPorts;

  /** @param ports with sockets that take a mark */
  constructor(devices: PacketInterfaces, ports: TunnelPorts) {
    this.#devices = devices;
    this.#ports = ports;
  }

  open(name: string): Promise<InterfaceTunnel> {
    // A refusal is a rejection.
    return new Promise((resolve) => {
      resolve(new LocalInterfaceTunnel(this.#devices.open(name), this.#devices, this.#ports));
    });
  }
}

class LocalInterfaceTunnel implements InterfaceTunnel {
  readonly gone: Promise<Error>;
  readonly #device: PacketInterface;
  readonly #devices: PacketInterfaces;
  readonly #ports: TunnelPorts;
  #tunnel: TunTunnel | undefined;

  constructor(device: PacketInterface, devices: PacketInterfaces, ports: TunnelPorts) {
    this.#device = device;
    this.#devices = devices;
    this.#ports = ports;
    this.gone = new Promise((resolve) => {
      device.onGone = (cause) => resolve(new Error('another program has removed it', { cause }));
    });
  }

  get interfaceName(): string {
    return this.#device.name;
  }

  async start(config: TunnelConfig, captured?: CapturedPorts): Promise<void> {
    const ports = { ...this.#ports, ...captured };
    this.#tunnel = await TunTunnel.open(config, ports, this.#devices, this.#device);
  }

  status(): Promise<TunnelStatus> {
    return this.#started().status();
  }

  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    return this.#started().waitForHandshake(deadline, signal);
  }

  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#started().reconfigure(config);
  }

  converse(): Conversation {
    return this.#started().converse();
  }

  async close(): Promise<void> {
    await this.#tunnel?.close();
    this.#device.close();
  }

  #started(): TunTunnel {
    if (this.#tunnel === undefined) throw new TypeError('call start() first');
    return this.#tunnel;
  }
}
