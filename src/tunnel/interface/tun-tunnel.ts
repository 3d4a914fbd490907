/**
 * A tunnel with a system network interface: the kernel provides TCP/IP, and arctun provides
 * WireGuard.
 */
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
    // The kernel's TCP does not report retransmissions, so treat each sent packet as a
    // retransmission.
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
   * Takes ownership of the device and configures it, then starts the search for the Arc server and
   * the handshake, like UserspaceTunnel.open(). Routes all allowed IPs into the device.
   *
   * @throws the errors of PacketInterfaces.configure(); the device is then closed
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

  get interfaceName(): string {
    return this.#device.name;
  }

  /** See UserspaceTunnel.waitForHandshake(). */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    return this.#link.waitForHandshake(deadline, signal);
  }

  /** See Tunnel.status(). */
  status(): Promise<TunnelStatus> {
    return Promise.resolve({
      ...this.#link.status(),
      mode: 'tun',
      interface: this.interfaceName,
      connections: undefined,
    });
  }

  /**
   * See Tunnel.reconfigure(). Changes the interface first: if the kernel rejects that, nothing else
   * has changed. The kernel handles its own connections that use a removed address.
   */
  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#reconfigurations.run(async () => {
      const linkChanges = await this.#link.prepare(config);
      const configured = this.#requireConfigured();
      const { addresses, allowedIps: routes } = config;
      const change = configured.plan({ addresses, routes });
      const { fwmark } = configured;
      // Set the mark before adding a default route into the tunnel: the route would otherwise apply
      // to the tunnel's own datagrams.
      if (change.fwmark !== 0) await this.#setMark(fwmark, change.fwmark);
      this.#requireConfigured();
      try {
        change.apply();
      } catch (error) {
        if (change.fwmark !== 0) await this.#setMark(change.fwmark, fwmark);
        throw error;
      }
      linkChanges();
      // Ignore a failure, because an unnecessary mark is harmless.
      if (change.fwmark === 0) await this.#setMark(fwmark, 0).catch(() => undefined);
    });
  }

  /** See Tunnel.converse(). */
  converse(): Conversation {
    return this.#link.converse();
  }

  /**
   * Sends packets that the interface has queued, then removes the interface. Later calls return the
   * same promise.
   */
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

  /** Sets the mark only if it changes, because a UAPI client may have set another mark. */
  async #setMark(before: number, fwmark: number): Promise<void> {
    if (fwmark !== before) await this.#link.setMark(fwmark);
  }

  /** @throws TunnelError `closing` */
  #requireConfigured(): ConfiguredInterface {
    if (this.#configured === undefined || this.#closed !== undefined) throw notReconfigured();
    return this.#configured;
  }

  /** Logs lost frames only once, because an interface that is down rejects every packet. */
  #frameLost({ message: reason }: Error, log: Log): void {
    if (this.#hasLostFrames) return;
    this.#hasLostFrames = true;
    log.warn({ reason }, `the interface ${this.#device.name} does not accept incoming packets`);
  }

  /** Stops reading during congestion, so that packets wait in the kernel's queue. */
  #setReading(): void {
    const isReading = !this.#link.driver.isCongested;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#device.setReading(isReading);
  }
}
