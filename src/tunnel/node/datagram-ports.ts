/** Opens UDP ports through an engine: the DatagramPorts that the proxies use. */
import type { NetstackEngine, UdpSocket } from '../../engine/netstack-engine.js';
import type {
  DatagramAddress,
  DatagramPort,
  DatagramPorts,
  DatagramReceiver,
  UnsentReason,
} from '../../proxy/datagram-dialer.js';
import { DialError } from '../../proxy/dialer.js';
import { type IpAddress, parseIpAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import type { NameResolver } from '../names/name-resolver.js';
import { closingTunnel } from '../server/route.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';
import { maxDatagramPayload } from './datagram-channel.js';

/** The maximum number of open ports, so that one user cannot use up the tunnel's ports. */
const MAX_PORTS = 1024;

export interface DatagramPortsHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  readonly names: Pick<NameResolver, 'resolve'>;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly budget?: BudgetGuard | undefined;
}

export class TunnelDatagramPorts implements DatagramPorts {
  readonly #host: DatagramPortsHost;
  readonly #ports = new Set<TunnelDatagramPort>();
  #isClosed = false;

  constructor(host: DatagramPortsHost) {
    this.#host = host;
  }

  /** Closes all ports, and prevents new ones. */
  close(): void {
    this.#isClosed = true;
    for (const port of [...this.#ports]) port.close();
  }

  bind(onDatagram: DatagramReceiver): Promise<DatagramPort> {
    if (this.#isClosed) return Promise.reject(closingTunnel());
    if (this.#ports.size >= MAX_PORTS) return Promise.reject(exhausted());
    try {
      this.#host.budget?.require();
      const onClose = () => void this.#ports.delete(port);
      const port = new TunnelDatagramPort(this.#host, onDatagram, onClose);
      this.#ports.add(port);
      return Promise.resolve(port);
    } catch (error) {
      return Promise.reject(error instanceof DialError ? error : exhausted(error));
    }
  }

  async resolve(name: string, signal?: AbortSignal): Promise<Uint8Array> {
    const texts = await this.#host.names.resolve(name, signal);
    for (const text of texts) {
      const address = parseIpAddress(text);
      if (address !== undefined && isReachable(this.#host.engine, address)) return address;
    }
    throw new DialError('no-route', `${name}: ${texts.join(', ')} is outside the allowed IPs`);
  }
}

/** A UDP port on all addresses of the netstack, so that it survives a change of address. */
class TunnelDatagramPort implements DatagramPort {
  readonly #host: DatagramPortsHost;
  readonly #socket: UdpSocket;
  readonly #onClose: () => void;

  /** @throws RangeError if all UDP ports are in use */
  constructor(host: DatagramPortsHost, onDatagram: DatagramReceiver, onClose: () => void) {
    this.#host = host;
    this.#onClose = onClose;
    this.#socket = host.engine.stack.bindUdp({ port: 0 }, onDatagram);
  }

  send(payload: Uint8Array, to: DatagramAddress): UnsentReason | undefined {
    if (this.#socket.isClosed) return 'closed';
    const { engine, driver, mtu, budget } = this.#host;
    if (budget?.isOpen === false) return 'over-budget';
    const family = to.address.length === 16 ? 6 : 4;
    if (payload.length > maxDatagramPayload(mtu, family)) return 'too-long';
    if (to.port === 0 || !isReachable(engine, to.address)) return 'no-route';
    const isTaken = this.#socket.sendTo(payload, to);
    driver.schedule();
    return isTaken ? undefined : 'queue-full';
  }

  close(): void {
    if (this.#socket.isClosed) return;
    this.#socket.close();
    this.#onClose();
  }
}

/** Whether an address is another host inside the tunnel, and the tunnel has its family. */
function isReachable({ device, stack }: NetstackEngine, address: IpAddress): boolean {
  return (
    stack.isHost(address) && stack.hasAddressFor(address) && device.peerFor(address) !== undefined
  );
}

function exhausted(cause?: unknown): DialError {
  return new DialError('exhausted', 'too many UDP ports are open', { cause });
}
