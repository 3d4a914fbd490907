/** Small POSTs on open connections, each sent after the response to the one before. */
import { once } from 'node:events';
import { connect } from 'node:net';

import { dialSocks5 } from './socks5.js';

/** The body of a small POST. */
const SMALL = Buffer.alloc(100, 'arctun');

/**
 * Sends POSTs to `url`, one after the other on each of `connections` connections, for the given time.
 *
 * @param proxy HOST:PORT of a SOCKS5 proxy; none if undefined
 * @param untilTold called when all connections are open; resolves when the time begins
 * @returns the POSTs per second, and the ms per POST
 */
export async function posts({ url, connections = 1, proxy = undefined, milliseconds }, untilTold) {
  const { hostname, port, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${SMALL.length}\r\n\r\n${SMALL}`,
  );
  const open = async () => {
    if (proxy !== undefined) return dialSocks5(proxy, hostname, Number(port || 80));
    const socket = connect({ host: hostname, port: Number(port || 80), noDelay: true });
    await once(socket, 'connect');
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
    for (let lane = socket; performance.now() < until;) {
      const began = performance.now();
      if (lane === undefined || lane.destroyed || lane.readableEnded) lane = await open();
      if (await exchange(lane, request)) lane = void lane.destroy();
      times.push(performance.now() - began);
    }
  };
  await Promise.all(lanes.map(worker));
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor(times.length * part)] ?? 0;
  const perSecond = (times.length * 1000) / milliseconds;
  return { perSecond, p50: quantile(0.5), p99: quantile(0.99), longest: times.at(-1) ?? 0 };
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
