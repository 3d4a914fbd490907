/** Small POSTs on open connections, each sent after the response to the one before. */
import { once } from 'node:events';
import { connect } from 'node:net';

import { dialSocks5 } from './socks5.js';

/** The body of a small POST. */
const SMALL = Buffer.alloc(100, 'arctun');

/**
 * Sends POSTs to `url`, one after the other on each of `connections` connections, for the given time,
 * and at least one on each.
 *
 * @param proxy HOST:PORT of a SOCKS5 proxy; none if undefined
 * @param untilTold called after a first POST on each connection, which is not counted; resolves when
 *   the time begins
 * @returns the POSTs per second, and the median, the 99th percentile and the longest time of a POST in ms
 */
export async function posts({ url, connections = 1, proxy = undefined, milliseconds }, untilTold) {
  const { hostname, port, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${SMALL.length}\r\n\r\n${SMALL}`,
  );
  const sockets = new Set();
  const open = async () => {
    const socket = await openSocket(hostname, Number(port || 80), proxy);
    sockets.add(socket.on('close', () => sockets.delete(socket)));
    return socket;
  };
  const lanes = await Promise.all(Array.from({ length: connections }, () => open()));
  for (const lane of lanes) {
    if (await exchange(lane, request)) lane.destroy();
  }
  await untilTold();
  const times = [];
  const until = performance.now() + milliseconds;
  const worker = async (socket) => {
    let lane = socket;
    do {
      const began = performance.now();
      if (lane === undefined || lane.destroyed || lane.readableEnded) lane = await open();
      if (await exchange(lane, request)) lane = void lane.destroy();
      times.push(performance.now() - began);
    } while (performance.now() < until);
  };
  try {
    await Promise.all(lanes.map(worker));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor(times.length * part)] ?? 0;
  const perSecond = (times.length * 1000) / milliseconds;
  return { perSecond, p50: quantile(0.5), p99: quantile(0.99), longest: times.at(-1) ?? 0 };
}

async function openSocket(host, port, proxy) {
  const socket =
    proxy === undefined
      ? connect({ host, port, noDelay: true })
      : await dialSocks5(proxy, host, port);
  if (proxy === undefined) await once(socket, 'connect');
  // Between two requests, an error only closes the connection.
  return socket.on('error', () => undefined);
}

/**
 * Sends one request and waits for the response, which has no body.
 *
 * @returns whether the server closes the connection
 */
function exchange(socket, request) {
  return new Promise((resolve, reject) => {
    let received = '';
    const settle = (outcome) => {
      socket.off('data', take).off('error', reject).off('end', lost);
      outcome();
    };
    const lost = () => settle(() => reject(new Error(`closed after ${JSON.stringify(received)}`)));
    const take = (bytes) => {
      received += bytes.toString('latin1');
      if (!received.endsWith('\r\n\r\n')) return;
      if (!received.startsWith('HTTP/1.1 201 ')) settle(() => reject(new Error(received)));
      else settle(() => resolve(/^connection: close/im.test(received)));
    };
    socket.on('data', take).on('error', reject).on('end', lost).resume();
    socket.write(request);
  });
}
