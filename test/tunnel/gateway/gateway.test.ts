/** The gateway with a stack as the kernel behind the device, and dialers that the tests control. */
import { PassThrough, type Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { duplexPair } from './duplex-pair.js';
import { segment } from '../../../src/engine/tun/segmentation.js';
import { packetInSlot, PacketSlots } from '../../../src/lib/packets/packet-slot.js';
import { Stack } from '../../../src/netstack/stack.js';
import type { TcpConnection } from '../../../src/netstack/tcp/connection.js';
import type { PacketInterface } from '../../../src/ports/packet-interfaces.js';
import type { DatagramChannel } from '../../../src/proxy/datagram-dialer.js';
import { DialError, type DialFailure } from '../../../src/proxy/dialer.js';
import type { DnsForwarder } from '../../../src/proxy/dns/dns-forwarder.js';
import type { EchoChannel, EchoEvent } from '../../../src/proxy/echo-dialer.js';
import { Gateway } from '../../../src/tunnel/gateway/gateway.js';
import { VIRTIO_NET_HEADER_LENGTH } from '../../../src/wire/virtio-net.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { ip, seededEntropy } from '../../support/pairs/netstack-pair.js';

const DNS = '169.254.0.53';
const TARGET = { address: ip('10.9.8.7'), port: 80 };
const nothing = (): void => undefined;

/** Datagrams or events that a test passes to receive(). */
class Arrivals<Value> {
  #waiting: Value[] = [];
  #take: ((value: Promise<Value>) => void) | undefined;

  push(value: Value | Error): void {
    const settled = value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
    settled.catch(nothing);
    if (this.#take !== undefined) this.#take(settled);
    else if (!(value instanceof Error)) this.#waiting.push(value);
    this.#take = undefined;
  }

  receive(signal?: AbortSignal): Promise<Value> {
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve, reject) => {
      this.#take = resolve;
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
}

class Lab {
  readonly clock = new FakeClock();
  readonly host: Stack;
  readonly gateway: Gateway;
  readonly log: string[] = [];
  readonly datagrams = new Arrivals<Uint8Array>();
  readonly echoes = new Arrivals<EchoEvent>();
  /** What each dial waits for. */
  dial: () => Promise<Duplex> = () => Promise.reject(new DialError('timeout', 'silent'));
  opening: Promise<void> = Promise.resolve();
  onDial: (signal: AbortSignal | undefined) => unknown = nothing;
  #frames: Uint8Array[] = [];
  readonly #device: PacketInterface;

  constructor() {
    this.#device = {
      name: 'arctun0',
      setReading: nothing,
      onFrames: nothing,
      onGone: nothing,
      write: (parts) => {
        this.#frames.push(Buffer.concat(parts));
        return undefined;
      },
      close: () => this.log.push('device closed'),
    };
    const shared = { mtu: 1_420, addresses: [ip('10.77.0.2')] };
    this.host = new Stack({ ...shared, entropy: seededEntropy(2) }, this.clock.now());
    this.gateway = new Gateway({
      device: this.#device,
      mtu: 1_420,
      dialer: {
        dial: async ({ host, port }, signal) => {
          this.log.push(`dial ${host}:${port}`);
          this.onDial(signal);
          await this.opening;
          return this.dial();
        },
      },
      datagramDialer: {
        open: async ({ host, port }) => {
          this.log.push(`open ${host}:${port}`);
          await this.opening;
          return this.#channel();
        },
      },
      echoDialer: {
        open: async (host) => {
          this.log.push(`ping ${host}`);
          await this.opening;
          return this.#echoChannel(host);
        },
      },
      dnsAddress: DNS,
      dns: {
        answer: (query: Uint8Array, via: string) => {
          this.log.push(`query over ${via}`);
          return Promise.resolve(query);
        },
        close: () => this.log.push('dns closed'),
      } as unknown as DnsForwarder,
      clock: this.clock,
      entropy: seededEntropy(1),
    });
  }

  /** Carries packets until neither side has any. */
  async settle(): Promise<void> {
    const slots = new PacketSlots();
    for (let idle = 0; idle < 5; idle++) {
      await setImmediate();
      this.clock.settle();
      const now = this.clock.now();
      for (const frame of this.#frames.splice(0)) {
        idle = 0;
        segment(frame, slots, (slot) => this.host.handlePacket(packetInSlot(slot), now));
      }
      const frames: Uint8Array[] = [];
      const header = new Uint8Array(VIRTIO_NET_HEADER_LENGTH);
      this.host.drain((slot) => {
        frames.push(Buffer.concat([header, packetInSlot(slot)]));
      }, now);
      if (frames.length > 0) {
        idle = 0;
        this.#device.onFrames(frames);
        // The next turn reads into the same memory.
        for (const frame of frames) frame.fill(0xaa);
      }
    }
  }

  connect(target = TARGET): { events: string[]; connection: TcpConnection } {
    const events: string[] = [];
    const observer = {
      established: () => events.push('established'),
      readable: nothing,
      writable: nothing,
      remoteClosed: () => events.push('remoteClosed'),
      closed: (reason: string) => events.push(reason),
    };
    return { events, connection: this.host.connectTcp(target, observer, this.clock.now()) };
  }

  /** Sends a datagram; returns the events of its socket. */
  sendTo(target: typeof TARGET, payload: Uint8Array): unknown[] {
    const events: unknown[] = [];
    const socket = this.host.bindUdp(
      { port: 0 },
      (bytes) => events.push([...bytes]),
      ({ kind, code }) => events.push(`${kind} ${code}`),
    );
    socket.sendTo(payload, target);
    return events;
  }

  #channel(): DatagramChannel {
    return {
      maxPayload: 100,
      send: (payload) => this.log.push(`sent ${payload.join(' ')}`),
      receive: (_timeout, signal) => this.datagrams.receive(signal),
      close: () => this.log.push('channel closed'),
    };
  }

  #echoChannel(address: string): EchoChannel {
    return {
      address,
      maxPayload: 100,
      send: (sequence) => {
        this.log.push(`sent ping ${sequence}`);
        return 0;
      },
      receive: (_timeout, signal) => this.echoes.receive(signal),
      close: () => this.log.push('pings closed'),
    };
  }
}

const failing = (reason: DialFailure) => () => Promise.reject(new DialError(reason, reason));

describe('TCP', () => {
  it('connects to the target before it accepts the connection', async () => {
    const lab = new Lab();
    const [stream, target] = duplexPair();
    let open = nothing;
    lab.opening = new Promise((resolve) => (open = resolve));
    lab.dial = () => Promise.resolve(stream);
    const { events, connection } = lab.connect();
    await lab.settle();
    expect(lab.log).toEqual(['dial 10.9.8.7:80']);
    expect(events).toEqual([]);
    open();
    await lab.settle();
    expect(events).toEqual(['established']);
    connection.send(Buffer.from('question'));
    connection.shutdown();
    await lab.settle();
    expect(String(target.read())).toBe('question');
    target.end('answer');
    await lab.settle();
    expect(String(Buffer.from(connection.receive(100, 0)!))).toBe('answer');
    expect(events).toEqual(['established', 'remoteClosed', 'normal']);
    expect(target.read()).toBeNull();
    expect(lab.gateway.isBusy).toBe(false);
  });

  it.each([
    ['refused', 'refused'],
    ['no-route', 'unreachable'],
    ['unreachable', 'unreachable'],
    ['no-handshake', 'unreachable'],
    ['timeout', 'unreachable'],
  ] as const)('reports a dial that fails with %s as %s', async (reason, reported) => {
    const lab = new Lab();
    lab.dial = failing(reason);
    const { events } = lab.connect();
    await lab.settle();
    expect(events).toEqual([reported]);
  });

  it('resets the connection if the target resets its own', async () => {
    const lab = new Lab();
    const [stream] = duplexPair();
    lab.dial = () => Promise.resolve(stream);
    const { events } = lab.connect();
    await lab.settle();
    expect(lab.gateway.isBusy).toBe(true);
    stream.destroy(new Error('reset'));
    await lab.settle();
    expect(events).toEqual(['established', 'reset']);
  });

  it('closes the stream to the target if the program has given up', async () => {
    const lab = new Lab();
    const stream = new PassThrough();
    let open = nothing;
    lab.opening = new Promise((resolve) => (open = resolve));
    lab.dial = () => Promise.resolve(stream);
    const { connection } = lab.connect();
    await lab.settle();
    connection.abort(lab.clock.now());
    open();
    await lab.settle();
    expect(stream.destroyed).toBe(true);
  });
});

it('passes a signal of its own to each dial, because Node.js warns about ten listeners', async () => {
  const lab = new Lab();
  const signals = new Set<AbortSignal | undefined>();
  lab.onDial = (signal) => signals.add(signal);
  lab.opening = new Promise(nothing);
  for (let count = 0; count < 20; count++) lab.connect();
  await lab.settle();
  expect(signals.size).toBe(20);
  lab.gateway.close();
  expect([...signals].every((signal) => signal?.aborted)).toBe(true);
});

describe('UDP', () => {
  it('keeps datagrams until the channel is open, and passes on replies', async () => {
    const lab = new Lab();
    let open = nothing;
    lab.opening = new Promise((resolve) => (open = resolve));
    const events = lab.sendTo(TARGET, Uint8Array.of(1, 2));
    await lab.settle();
    expect(lab.log).toEqual(['open 10.9.8.7:80']);
    expect(lab.gateway.isBusy).toBe(true);
    open();
    await lab.settle();
    expect(lab.log).toEqual(['open 10.9.8.7:80', 'sent 1 2']);
    expect(lab.gateway.isBusy).toBe(false);
    lab.datagrams.push(Uint8Array.of(3));
    await lab.settle();
    expect(events).toEqual([[3]]);
  });

  it('drops datagrams that do not fit into the tunnel', async () => {
    const lab = new Lab();
    lab.sendTo(TARGET, new Uint8Array(101));
    await lab.settle();
    expect(lab.log).toEqual(['open 10.9.8.7:80']);
  });

  it.each([
    ['refused', 'port-unreachable 3'],
    ['no-route', 'unreachable 1'],
    ['not-ready', 'unreachable 0'],
  ] as const)('reports a channel that cannot be opened: %s', async (reason, reported) => {
    const lab = new Lab();
    lab.opening = failing(reason)();
    const events = lab.sendTo(TARGET, Uint8Array.of(1));
    await lab.settle();
    expect(events).toEqual([reported]);
  });

  it('keeps the flow open after the target has refused a datagram', async () => {
    const lab = new Lab();
    const events = lab.sendTo(TARGET, Uint8Array.of(1));
    await lab.settle();
    lab.datagrams.push(new DialError('refused', 'closed'));
    await lab.settle();
    lab.datagrams.push(Uint8Array.of(2));
    await lab.settle();
    expect(events).toEqual(['port-unreachable 3', [2]]);
    expect(lab.log).not.toContain('channel closed');
  });

  it('ends a flow after two minutes without a datagram', async () => {
    const lab = new Lab();
    lab.sendTo(TARGET, Uint8Array.of(1));
    await lab.settle();
    lab.clock.advance(119_000);
    await lab.settle();
    expect(lab.log).not.toContain('channel closed');
    lab.clock.advance(2_000);
    await lab.settle();
    expect(lab.log).toContain('channel closed');
  });

  it('ends the least recently used flow if there are too many', async () => {
    const lab = new Lab();
    for (let port = 1; port <= 513; port++) {
      lab.sendTo({ ...TARGET, port }, Uint8Array.of(1));
      await lab.settle();
    }
    expect(lab.log.filter((line) => line === 'channel closed')).toHaveLength(1);
  });
});

describe('ping', () => {
  function ping(lab: Lab, sequence: number): unknown[] {
    const events: unknown[] = [];
    const socket = lab.host.openEcho(TARGET.address, {
      onReply: (reply) => events.push(reply.sequence, [...reply.payload]),
      onError: ({ kind, code }) => events.push(`${kind} ${code}`),
    });
    socket.send(sequence, Uint8Array.of(7));
    return events;
  }

  it('replies after the target has replied, with its data', async () => {
    const lab = new Lab();
    const events = ping(lab, 5);
    await lab.settle();
    expect(lab.log).toEqual(['ping 10.9.8.7', 'sent ping 5']);
    expect(events).toEqual([]);
    const at = lab.clock.now();
    lab.echoes.push({ kind: 'reply', sequence: 6, at, ttl: 64, payload: Uint8Array.of(7) });
    await lab.settle();
    expect(events).toEqual([]);
    lab.echoes.push({ kind: 'reply', sequence: 5, at, ttl: 64, payload: Uint8Array.of(7) });
    await lab.settle();
    expect(events).toEqual([5, [7]]);
  });

  it('reports an ICMP error about a request', async () => {
    const lab = new Lab();
    const events = ping(lab, 5);
    await lab.settle();
    const rest = { at: lab.clock.now(), from: '10.9.8.1', text: 'Destination Host Unreachable' };
    lab.echoes.push({ kind: 'error', sequence: 5, ...rest });
    await lab.settle();
    expect(events).toEqual(['unreachable 1']);
  });

  it.each([
    ['no-route', 'unreachable 1'],
    ['another error', 'unreachable 13'],
  ])('reports that pings cannot be sent: %s', async (reason, reported) => {
    const lab = new Lab();
    const isDial = reason === 'no-route';
    lab.opening = isDial ? failing('no-route')() : Promise.reject(new Error(reason));
    const events = ping(lab, 5);
    await lab.settle();
    expect(events).toEqual([reported]);
  });
});

describe('DNS', () => {
  it('answers queries over UDP and TCP', async () => {
    const lab = new Lab();
    const address = ip(DNS);
    const events = lab.sendTo({ address, port: 53 }, Uint8Array.of(1));
    const { connection } = lab.connect({ address, port: 53 });
    await lab.settle();
    connection.send(Uint8Array.of(0, 1, 9));
    await lab.settle();
    expect(events).toEqual([[1]]);
    expect(connection.receive(10, 0)).toEqual(Uint8Array.of(0, 1, 9));
    expect(lab.log).toEqual(['query over udp', 'query over tcp']);
  });
});

it('ends everything on close()', async () => {
  const lab = new Lab();
  const [stream] = duplexPair();
  lab.dial = () => Promise.resolve(stream);
  lab.connect();
  lab.sendTo(TARGET, Uint8Array.of(1));
  lab.host
    .openEcho(TARGET.address, { onReply: nothing, onError: nothing })
    .send(1, new Uint8Array(1));
  await lab.settle();
  lab.gateway.close();
  await lab.settle();
  const closed = ['dns closed', 'channel closed', 'pings closed', 'device closed'];
  expect(lab.log).toEqual(expect.arrayContaining(closed));
  expect(stream.destroyed).toBe(true);
});
