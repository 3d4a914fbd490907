/** Opens UDP forwards: on this machine (-L) and inside the tunnel (-R). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP, isIPv6 } from 'node:net';

import { formatAuthority } from '../../lib/text/http-syntax.js';
import { untilAborted } from '../../lib/waits.js';
import { DialError, type DialTarget } from '../dialer.js';
import { isLoopback, type ListenAddress } from '../listen-address.js';
import { listenError, warnOfStrangers } from '../open-port.js';
import { ForwardCounters, type OpenForward } from './forward-counters.js';
import type { InnerNetwork, InnerUdpPort, RemoteEnd } from './inner-network.js';
import { localFault } from './local-dial.js';
import { FORWARD_FLAG, type LocalForward, placeText, type RemoteForward } from './port-forward.js';
import { FORWARD_RISK, type ForwardHost } from './tcp-forwards.js';
import { type FlowHandlers, type TargetFlow, UdpAssociations } from './udp-associations.js';

/** The bytes that may wait in Node.js for a socket on this machine, after which datagrams are dropped. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

/** The receive buffer to request, in bytes, so that bursts are not lost. */
const SOCKET_BUFFER = 4 * 1024 * 1024;

/** @throws UserError if the port cannot be opened */
export async function openLocalUdp(
  forward: LocalForward,
  { network, log, most }: ForwardHost,
): Promise<OpenForward> {
  const { target } = forward;
  const socket = await bindUdp(forward.listen as ListenAddress);
  const counters = new ForwardCounters('local');
  const associations = new UdpAssociations({
    ...{ counters, log, most },
    target: formatAuthority(target),
    open: async (handlers, signal) =>
      openInside(await untilAborted(network, signal), target, handlers, signal),
  });
  socket.on('error', (error) => log.error({ error: error.message }, 'the listener failed'));
  socket.on('message', (payload, { address, port }) => {
    const reply = (bytes: Uint8Array) => sendLocally(socket, bytes, { host: address, port });
    associations.handle(formatAuthority({ host: address, port }), payload, reply);
  });
  const { address, port } = socket.address();
  const listen = { host: address, port };
  if (!isLoopback(address)) warnOfStrangers(listen, FORWARD_RISK, log);
  return {
    forward: { ...forward, listen },
    counters,
    stop: () => {
      associations.close();
      socket.close();
    },
    drain: () => Promise.resolve(),
  };
}

/** @throws Error with the code EADDRINUSE; rejects if the tunnel cannot be opened */
export async function openRemoteUdp(
  forward: RemoteForward,
  { network, log, most }: ForwardHost,
): Promise<OpenForward> {
  const counters = new ForwardCounters('remote');
  const associations = new UdpAssociations({
    ...{ counters, log, most },
    target: placeText(forward.target),
    open: (handlers, signal) => openLocally(forward.target as DialTarget, handlers, signal),
  });
  const inner = await network;
  let bound: InnerUdpPort | undefined = undefined;
  const reply = (bytes: Uint8Array, to: RemoteEnd) => bound?.send(bytes, to) === true;
  const port = await inner.bindUdp(forward.port, (payload, from) => {
    associations.handle(formatAuthority(from), payload, (bytes) => reply(bytes, from));
  });
  bound = port;
  return {
    forward: { ...forward, port: port.port },
    counters,
    stop: () => {
      associations.close();
      port.close();
    },
    drain: () => Promise.resolve(),
  };
}

async function bindUdp(listen: ListenAddress): Promise<Socket> {
  const socket = createUdpSocket(listen.host);
  try {
    // The events may occur before bind() and connect() return.
    const listening = once(socket, 'listening');
    socket.bind({ address: listen.host, port: listen.port, exclusive: true });
    await listening;
  } catch (error) {
    socket.close();
    throw listenError({ listen, flag: FORWARD_FLAG.local }, error as NodeJS.ErrnoException);
  }
  enlargeBuffer(socket);
  return socket;
}

/** @param host an IP address, or a name that the system resolves, such as `localhost` */
function createUdpSocket(host: string): Socket {
  if (isIP(host) === 0) return createSocket('udp4');
  return createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // Skip the resolver and its turn of the event loop.
    lookup: (address, _options, done) => done(null, address, isIPv6(address) ? 6 : 4),
  });
}

function enlargeBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER);
    socket.setSendBufferSize(SOCKET_BUFFER);
  } catch {
    // A smaller buffer only loses more datagrams in a burst.
  }
}

/** Sends a datagram on this machine; returns false if it was dropped. */
function sendLocally(socket: Socket, payload: Uint8Array, to?: DialTarget): boolean {
  try {
    if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return false;
    if (to === undefined) socket.send(payload);
    else socket.send(payload, to.port, to.host);
    return true;
  } catch {
    // The socket is closed.
    return false;
  }
}

async function openInside(
  { datagrams }: InnerNetwork,
  target: DialTarget,
  handlers: FlowHandlers,
  signal: AbortSignal,
): Promise<TargetFlow> {
  const channel = await datagrams.open(target, signal);
  channel.subscribe(handlers);
  return {
    send: (payload) => {
      try {
        channel.send(payload);
        return true;
      } catch (error) {
        // The datagram is longer than the MTU allows, or the send queue is full.
        const isFull = error instanceof DialError && error.reason === 'exhausted';
        if (error instanceof RangeError || isFull) return false;
        throw error;
      }
    },
    close: () => channel.close(),
  };
}

/** Opens a socket to a service outside the tunnel. */
async function openLocally(
  target: DialTarget,
  { onDatagram, onError }: FlowHandlers,
  signal: AbortSignal,
): Promise<TargetFlow> {
  const socket = createUdpSocket(target.host);
  // An abort removes the listener of once(), and the socket may fail before the promise rejects.
  socket.on('error', () => undefined);
  try {
    const connected = once(socket, 'connect', { signal });
    socket.connect(target.port, target.host);
    await connected;
  } catch (error) {
    socket.close();
    throw signal.aborted ? error : localFault(error);
  }
  enlargeBuffer(socket);
  socket.on('message', onDatagram);
  // ECONNREFUSED reports an ICMP error: the service does not listen.
  socket.on('error', (error) => onError(localFault(error)));
  return {
    send: (payload) => sendLocally(socket, payload),
    close: () => {
      socket
        .off('message', onDatagram)
        .removeAllListeners('error')
        .on('error', () => undefined);
      socket.close();
    },
  };
}
