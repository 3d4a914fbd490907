/**
 * Carries the TCP connections, UDP datagrams and pings of the programs that use a tun device into
 * the tunnel, through dialers. The programs' packets never leave this machine: TCP ends here.
 */
import { GatewayEngine } from '../../engine/gateway-engine.js';
import { makeRoom, markUsed } from '../../lib/oldest-idle.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { PacketInterface } from '../../ports/packet-interfaces.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import type { Dialer } from '../../proxy/dialer.js';
import { DnsConnection } from '../../proxy/dns/dns-connection.js';
import type { DnsForwarder } from '../../proxy/dns/dns-forwarder.js';
import type { EchoDialer } from '../../proxy/echo-dialer.js';
import { type IpAddress, parseIpAddress } from '../../wire/ip-address.js';
import { ConnectionStream } from '../node/connection-stream.js';
import { EchoFlows } from './echo-flows.js';
import { GatewayDriver } from './gateway-driver.js';
import { TcpFlows } from './tcp-flows.js';
import { UdpFlows } from './udp-flows.js';

const DNS_PORT = 53;

/** The maximum number of TCP connections for DNS; a new one replaces the oldest idle one. */
const MAX_DNS_CONNECTIONS = 64;

export interface GatewayOptions {
  /** The device, which the gateway uses until close() is called. */
  readonly device: PacketInterface;
  readonly mtu: number;
  readonly dialer: Dialer;
  readonly datagramDialer: DatagramDialer;
  readonly echoDialer: EchoDialer;
  /** The IP address at which the gateway answers DNS queries, in text form. */
  readonly dnsAddress: string;
  readonly dns: DnsForwarder;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #dnsAddress: IpAddress;
  readonly #engine: GatewayEngine;
  readonly #driver: GatewayDriver;
  readonly #tcp: TcpFlows;
  readonly #udp: UdpFlows;
  readonly #echoes: EchoFlows;
  readonly #dnsConnections = new Map<ConnectionStream, DnsConnection>();

  /** @throws RangeError if the MTU is out of range */
  constructor(options: GatewayOptions) {
    const { device, mtu, entropy, clock } = options;
    this.#options = options;
    this.#dnsAddress = parseAddress(options.dnsAddress);
    this.#engine = new GatewayEngine(
      {
        addresses: [this.#dnsAddress],
        mtu,
        entropy,
        handlers: {
          onConnect: (attempt) => void this.#tcp.connect(attempt),
          onDatagram: (flow) => this.#udp.begin(flow),
          onEcho: (request) => this.#echoes.handle(request),
        },
        // TCP retransmits a frame that the device does not accept.
        writeFrame: (parts) => void device.write(parts),
      },
      clock.now(),
    );
    const driver = new GatewayDriver(this.#engine, device, clock);
    this.#driver = driver;
    const host = {
      stack: this.#engine.stack,
      now: () => driver.now(),
      schedule: () => driver.schedule(),
    };
    this.#tcp = new TcpFlows(options.dialer, driver);
    this.#udp = new UdpFlows(options.datagramDialer, host);
    this.#echoes = new EchoFlows(options.echoDialer, host);
    this.#serveDns();
    device.setReading(true);
  }

  /** Whether data of a program, which may have exited, is still on its way into the tunnel. */
  get isBusy(): boolean {
    return this.#tcp.isBusy || this.#udp.isBusy;
  }

  /** Ends all connections, and closes the device. */
  close(): void {
    const { dns, device } = this.#options;
    dns.close();
    this.#tcp.close();
    this.#udp.close();
    this.#echoes.close();
    this.#driver.close();
    this.#engine.close();
    device.close();
  }

  #serveDns(): void {
    const { dns } = this.#options;
    const { stack } = this.#engine;
    const local = { address: this.#dnsAddress, port: DNS_PORT };
    const socket = stack.bindUdp(local, (query, from) => {
      void dns.answer(query, 'udp').then((response) => {
        if (response === undefined || from.port === 0) return;
        socket.sendTo(response, from);
        this.#driver.schedule();
      });
    });
    stack.listenTcp(local, (connection) => {
      const stream = new ConnectionStream(this.#driver, true);
      stream.attach(connection);
      this.#serveDnsConnection(stream);
      return stream.observer;
    });
  }

  #serveDnsConnection(stream: ConnectionStream): void {
    const connections = this.#dnsConnections;
    if (!makeRoom(connections, MAX_DNS_CONNECTIONS)) {
      stream.on('error', () => undefined).destroy(new Error('too many connections'));
      return;
    }
    const { dns: forwarder, clock } = this.#options;
    const onUse = () => markUsed(connections, stream);
    connections.set(stream, new DnsConnection(stream, { forwarder, clock, onUse }));
    stream.on('close', () => connections.delete(stream));
  }
}

function parseAddress(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new TypeError(`${text} must be an IP address`);
  return address;
}
