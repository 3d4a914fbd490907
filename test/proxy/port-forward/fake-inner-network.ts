/** The network inside a tunnel, in which the test is the other side. */
import type { Duplex } from 'node:stream';

import type { DatagramHandlers, PushedChannel } from '../../../src/proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../../../src/proxy/dialer.js';
import type {
  InnerNetwork,
  InnerUdpPort,
  RemoteEnd,
} from '../../../src/proxy/port-forward/inner-network.js';
import { Side } from '../support/side.js';

type Accept = (stream: Duplex, from: RemoteEnd) => void;
type OnDatagram = (payload: Uint8Array, from: RemoteEnd) => void;

export class FakeInnerNetwork implements InnerNetwork {
  /** The targets that were dialed, and the test's side of each connection. */
  readonly dialled: { readonly target: DialTarget; readonly side: Side }[] = [];
  readonly channels: FakeChannel[] = [];
  readonly tcpPorts = new Map<number, Accept>();
  readonly udpPorts = new Map<number, OnDatagram>();
  /** The datagrams that were sent from a UDP port. */
  readonly sent: string[] = [];
  /** If set, dials fail with this error. */
  refusal: DialError | undefined;

  readonly dialer = {
    dial: (target: DialTarget): Promise<Duplex> => {
      if (this.refusal !== undefined) return Promise.reject(this.refusal);
      const side = new Side();
      this.dialled.push({ target, side });
      return Promise.resolve(side);
    },
  };

  readonly datagrams = {
    open: (target: DialTarget): Promise<PushedChannel> => {
      const channel = new FakeChannel(target);
      this.channels.push(channel);
      return Promise.resolve(channel);
    },
  };

  listenTcp(port: number, accept: Accept): ReturnType<InnerNetwork['listenTcp']> {
    const actual = port === 0 ? 49_152 : port;
    if (this.tcpPorts.has(actual)) return Promise.reject(inUse());
    this.tcpPorts.set(actual, accept);
    return Promise.resolve({ port: actual, close: () => void this.tcpPorts.delete(actual) });
  }

  bindUdp(port: number, onDatagram: OnDatagram): Promise<InnerUdpPort> {
    if (this.udpPorts.has(port)) return Promise.reject(inUse());
    this.udpPorts.set(port, onDatagram);
    return Promise.resolve({
      port,
      send: (payload, to) => {
        this.sent.push(`${to.host}:${to.port} ${Buffer.from(payload).toString()}`);
        return true;
      },
      close: () => void this.udpPorts.delete(port),
    });
  }
}

/** A UDP channel whose payload limit is 4 bytes. */
export class FakeChannel implements PushedChannel {
  readonly maxPayload = 4;
  readonly target: DialTarget;
  readonly sent: string[] = [];
  isClosed = false;
  handlers: DatagramHandlers | undefined;
  failure: Error | undefined;

  constructor(target: DialTarget) {
    this.target = target;
  }

  send(payload: Uint8Array): void {
    if (this.failure !== undefined) throw this.failure;
    if (payload.length > this.maxPayload) throw new RangeError('too long');
    this.sent.push(Buffer.from(payload).toString());
  }

  receive(): Promise<undefined> {
    return Promise.reject(new DialError('closed', 'not used'));
  }

  subscribe(handlers: DatagramHandlers): void {
    this.handlers = handlers;
  }

  close(): void {
    this.isClosed = true;
  }
}

function inUse(): Error {
  return Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
}
