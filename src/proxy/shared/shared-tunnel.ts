/**
 * The side of a shared tunnel that owns the tunnel: connects other processes of the same user, over
 * local sockets, to targets inside it.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { LocalStream } from '../../ports/local-sockets.js';
import { partiesOf } from '../access-line.js';
import type { DatagramChannel, DatagramDialer } from '../datagram-dialer.js';
import type { Dialer } from '../dialer.js';
import type { EchoChannel, EchoDialer } from '../echo-dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import { endWith } from '../relay/joined-connection.js';
import { Relay } from '../relay/relay.js';
import { decodeRequest, encodeEvent, REQUEST_HEADER, SendTimes } from './echo-frames.js';
import { FramedStream } from './framed-stream.js';
import {
  BAD_REQUEST,
  type DialRequest,
  type EchoRequest,
  lineOf,
  readEchoRequest,
  readRequest,
  type Refusal,
} from './requests.js';
import { serveDatagrams } from './serve-datagrams.js';

/** The maximum number of connections and channels, so that one client cannot use up the memory. */
const MAX_SHARED = 1_024;

/** The client's name in log lines; a Unix socket does not have an address. */
const CLIENT = 'control socket';

export interface SharedTunnelOptions {
  readonly dialer: Dialer;
  readonly datagramDialer: DatagramDialer;
  readonly echoDialer: EchoDialer;
  readonly log: ProxyLog;
  /** Describes a failed dial to the other process. */
  readonly describe: (error: unknown) => Refusal;
  readonly maxShared?: number;
}

/** A connection or channel that the client does not use yet. */
interface Opened {
  /** Ends it, because the client has disconnected. */
  readonly abandon: () => void;
  /** Replies to the client, and connects it. */
  readonly start: (socket: Socket) => void;
}

/** Takes over a local socket after a request. */
type Serve = (request: object, stream: LocalStream) => void;

export class SharedTunnel {
  /** The requests by name. */
  readonly requests: Readonly<Record<string, Serve>> = {
    dial: (request, stream) =>
      void this.#serve(readRequest(request), stream, (...all) => this.#dial(...all)),
    datagrams: (request, stream) =>
      void this.#serve(readRequest(request), stream, (...all) => this.#datagrams(...all)),
    echo: (request, stream) =>
      void this.#serve(readEchoRequest(request), stream, (...all) => this.#echo(...all)),
  };
  readonly #options: SharedTunnelOptions;
  /** The sockets of the open connections and channels. */
  readonly #open = new Set<Socket>();
  #onIdle: () => void = () => undefined;
  #isClosed = false;

  constructor(options: SharedTunnelOptions) {
    this.#options = options;
  }

  /** The number of open connections and channels. */
  get active(): number {
    return this.#open.size;
  }

  /**
   * Refuses new requests, and ends open connections after a grace period.
   *
   * @param graceMs how long open connections may take to finish
   */
  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#isClosed = true;
    if (this.#open.size > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    // The clients treat a lost socket as the end of this process.
    for (const socket of [...this.#open]) socket.destroy();
  }

  /** @param request undefined if it is invalid */
  async #serve<Request extends DialRequest | EchoRequest>(
    request: Request | undefined,
    stream: LocalStream,
    open: (request: Request, signal: AbortSignal) => Promise<Opened>,
  ): Promise<void> {
    const socket = socketOf(stream);
    const refusal = request === undefined ? BAD_REQUEST : this.#limit();
    if (request === undefined || refusal !== undefined) {
      endWith(socket, lineOf(refusal ?? BAD_REQUEST));
      return;
    }
    const dialling = new AbortController();
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#open.delete(socket);
      dialling.abort(new Error('the client has disconnected'));
      if (this.#open.size === 0) this.#onIdle();
    });
    const endWatch = watchEnd(socket, () => socket.destroy());
    try {
      const opened = await open(request, dialling.signal);
      endWatch();
      if (socket.destroyed) opened.abandon();
      else opened.start(socket);
    } catch (error) {
      endWatch();
      this.#refuse(socket, request, error);
    }
  }

  #limit(): Refusal | undefined {
    if (this.#isClosed) return { error: 'the tunnel is closing', reason: 'closed' };
    const { maxShared = MAX_SHARED } = this.#options;
    if (this.#open.size < maxShared) return undefined;
    return { error: 'too many commands are using the tunnel', reason: 'exhausted' };
  }

  async #dial(request: DialRequest, signal: AbortSignal): Promise<Opened> {
    const target = await this.#options.dialer.dial(request, signal);
    return {
      abandon: () => target.on('error', () => undefined).destroy(),
      start: (socket) => {
        socket.write(lineOf({ dialled: true }));
        const client = new FramedStream(socket, clientLost);
        // Pass on the reason, which the relay does not know.
        target.once('error', (error) => client.destroy(error));
        const relay = new Relay(client, target, () => undefined);
        if (request.confirms) {
          client.reportAcknowledged(() => acknowledgedBy(target, relay, client));
        }
      },
    };
  }

  async #datagrams(request: DialRequest, signal: AbortSignal): Promise<Opened> {
    const channel = await this.#options.datagramDialer.open(request, signal);
    return {
      abandon: () => channel.close(),
      start: (socket) => {
        socket.write(lineOf({ open: true, maxPayload: channel.maxPayload }));
        serveDatagrams(socket, channel, this.#options.describe);
      },
    };
  }

  async #echo({ host, family }: EchoRequest, signal: AbortSignal): Promise<Opened> {
    const echo = await this.#options.echoDialer.open(host, { family, signal });
    return {
      abandon: () => echo.close(),
      start: (socket) => {
        const channel = encodedEcho(echo);
        const { address } = echo;
        socket.write(lineOf({ open: true, address, maxPayload: channel.maxPayload }));
        // The pause between two pings may be long.
        serveDatagrams(socket, channel, this.#options.describe, Infinity);
      },
    };
  }

  #refuse(socket: Socket, request: DialRequest | EchoRequest, error: unknown): void {
    if (socket.destroyed) return;
    const refusal = this.#options.describe(error);
    const parties =
      'port' in request
        ? partiesOf(CLIENT, request)
        : { ...partiesOf(CLIENT, undefined), target: request.host };
    this.#options.log.warn(
      { reason: refusal.reason, ...parties },
      `cannot connect to the target: ${refusal.error}`,
    );
    endWith(socket, lineOf(refusal));
  }
}

/**
 * Calls `onEnd` when the client disconnects. Further bytes remain unread in the socket.
 *
 * @returns a function that stops watching
 */
function watchEnd(socket: Socket, onEnd: () => void): () => void {
  const onReadable = (): void => {
    // At the end of the stream, this call emits 'end'.
    if (socket.readableLength === 0) socket.read();
  };
  socket.on('readable', onReadable).on('end', onEnd);
  return () => socket.off('readable', onReadable).off('end', onEnd);
}

function clientLost(): Error {
  return new Error('the client has disconnected');
}

/** The number of bytes that the target has acknowledged of those that the client has sent. */
function acknowledgedBy(target: Duplex, relay: Relay, client: Duplex): number {
  const { unacknowledgedBytes: rest = 0 } = target as { readonly unacknowledgedBytes?: number };
  return target.destroyed ? 0 : relay.receivedFrom(client) - rest;
}

function socketOf(stream: LocalStream): Socket {
  if (stream instanceof Socket) return stream;
  throw new TypeError('a local stream must be a node:net socket');
}

/** The channel carries the payloads of echo-frames.ts. Invalid requests are ignored. */
export function encodedEcho(channel: EchoChannel): DatagramChannel {
  const times = new SendTimes();
  return {
    maxPayload: channel.maxPayload + REQUEST_HEADER,
    send(bytes) {
      const request = decodeRequest(bytes);
      if (request === undefined) return;
      const { sequence, payload } = request;
      times.add(sequence, channel.send(sequence, payload));
    },
    async receive(timeout, signal) {
      for (;;) {
        const event = await channel.receive(timeout, signal);
        if (event === undefined) return undefined;
        const sent = times.of(event.sequence);
        if (sent === undefined) continue;
        return encodeEvent({ ...event, elapsed: Math.max(0, event.at - sent) });
      }
    },
    close: () => channel.close(),
  };
}
