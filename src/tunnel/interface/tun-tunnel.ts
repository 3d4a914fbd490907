/** A tunnel under a network interface of the system: the kernel's TCP/IP on our WireGuard. */
import { TunEngine } from '../../engine/tun-engine.js';
import type { Conversation } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';
import type {
  ConfiguredInterface,
  PacketInterface,
  PacketInterfaces,
} from '../../ports/packet-interfaces.js';
import type { Peer } from '../../engine/engine.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import { Rivals } from '../rivals/rivals.js';
import type { SentTimestamps } from '../server/sent-timestamps.js';
import { ServerLink } from '../server/server-link.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { engineOptions, openTimestamps } from '../server/engine-options.js';
import type { Tunnel } from '../tunnel.js';
import type { TunnelConfig } from '../tunnel-config.js';
import { notReconfigured } from '../tunnel-error.js';
import type { TunnelStatus } from '../tunnel-status.js';

export class TunTunnel implements Tunnel {
  readonly #link: ServerLink;
  readonly #reconfigurations = new SerialQueue();
  readonly #device: PacketInterface;
  #hasLostFrames = false;
  #isReading = false;
  #configured: ConfiguredInterface | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    config: TunnelConfig,
    ports: TunnelPorts,
    device: PacketInterface,
    timestamps: SentTimestamps,
  ) {
    this.#device = device;
    // The kernel's TCP does not say when it sends something again: any packet of its counts.
    const sentAt = ({ lastPacketSentAt }: Peer) => lastPacketSentAt;
    const rivals = new Rivals(ports.log, ports.clock.now(), sentAt);
    const engine = new TunEngine({
      ...engineOptions(config, ports, timestamps, (from, now) =>
        rivals.strangeMessage(from, this.#link.endpoint, now),
      ),
      writeFrame: (parts) => {
        const refusal = device.write(parts);
        if (refusal !== undefined) this.#frameLost(refusal, ports.log);
      },
    });
    const onTurn = () => this.#setReading();
    const link = new ServerLink({ config, ports, engine, timestamps, onTurn, rivals });
    this.#link = link;
    device.onFrames = (frames) => {
      engine.handleFrames(frames);
      link.driver.turn();
    };
  }

  /**
   * Configures the device, which is the tunnel's now, and starts the search for the Arc server and the
   * handshake, as UserspaceTunnel.open(). All that is allowed is routed into the device.
   *
   * @throws what PacketInterfaces.configure() does; the device is closed then
   */
  static async open(
    config: TunnelConfig,
    ports: TunnelPorts,
    devices: PacketInterfaces,
    device: PacketInterface,
  ): Promise<TunTunnel> {
    const timestamps = await openTimestamps(config, ports);
    const tunnel = new TunTunnel(config, ports, device, timestamps);
    try {
      const { mtu, addresses, allowedIps: routes, killSwitch = false } = config;
      tunnel.#configured = devices.configure(device, { mtu, addresses, routes, killSwitch });
      await tunnel.#link.setMark(tunnel.#configured.fwmark);
    } catch (error) {
      await tunnel.close();
      throw error;
    }
    tunnel.#link.start();
    return tunnel;
  }

  /** The interface's name. */
  get interfaceName(): string {
    return this.#device.name;
  }

  /** As UserspaceTunnel.waitForHandshake(). */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    return this.#link.waitForHandshake(deadline, signal);
  }

  /** As Tunnel.status(). */
  status(): Promise<TunnelStatus> {
    return Promise.resolve({
      ...this.#link.status(),
      mode: 'tun',
      interface: this.interfaceName,
      connections: undefined,
    });
  }

  /**
   * As Tunnel.reconfigure(). The interface comes first: where it does not take its part, nothing has
   * changed. What the kernel has opened from an address that is gone is the kernel's matter.
   *
   * @throws RangeError where there can be no such server
   * @throws TunnelError `closing`
   */
  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#reconfigurations.run(async () => {
      const linkChanges = await this.#link.prepare(config);
      const configured = this.#requireConfigured();
      const { addresses, allowedIps: routes } = config;
      const change = configured.plan({ addresses, routes });
      const { fwmark } = configured;
      // Before a default route leads into the tunnel, lest it catches what the tunnel sends.
      if (change.fwmark !== 0) await this.#setMark(fwmark, change.fwmark);
      this.#requireConfigured();
      try {
        change.apply();
      } catch (error) {
        if (change.fwmark !== 0) await this.#setMark(change.fwmark, fwmark);
        throw error;
      }
      linkChanges();
      // One that stays, for want of a new socket, does no harm.
      if (change.fwmark === 0) await this.#setMark(fwmark, 0).catch(() => undefined);
    });
  }

  /** As Tunnel.converse(). */
  converse(): Conversation {
    return this.#link.converse();
  }

  /** Sends what the interface has given, and removes it. A later call gets the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#configured?.undo();
    this.#device.close();
    this.#link.endWaits();
    await this.#link.close();
  }

  /** Somebody may have set another mark since: it stays where ours stays. */
  async #setMark(before: number, fwmark: number): Promise<void> {
    if (fwmark !== before) await this.#link.setMark(fwmark);
  }

  /** @throws TunnelError `closing` */
  #requireConfigured(): ConfiguredInterface {
    if (this.#configured === undefined || this.#closed !== undefined) throw notReconfigured();
    return this.#configured;
  }

  /** Said once: an interface that is down refuses every packet. */
  #frameLost({ message: reason }: Error, log: Log): void {
    if (this.#hasLostFrames) return;
    this.#hasLostFrames = true;
    log.warn({ reason }, `the interface ${this.#device.name} does not accept incoming packets`);
  }

  /** What the network cannot carry stays in the interface's queue, where the kernel sees it. */
  #setReading(): void {
    const isReading = !this.#link.driver.isCongested;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#device.setReading(isReading);
  }
}
