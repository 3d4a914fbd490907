/**
 * One run at the client's end of the tunnel:
 *
 *     node client.js '{"stack":"ours","config":"arc.json","congestion":"bbr","host":"100.127.69.42",
 *                      "task":"up","run":1,"milliseconds":3000}'
 *
 * `stack` is `ours`, the library's dialer; `kernel`, the kernel's TCP; or `socks5`, the proxy at
 * `proxy`. `task` is `up` or `down`, with the number of `streams` at once; `post`, one POST of
 * `bytes`; or `posts`, as many small POSTs to `url` on `connections` connections as possible. The
 * program prints `ready`, waits for a line, and prints the result as JSON. It exits when its standard
 * input ends.
 */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { createTunnel } from '../../dist/bundle/index.js';
import { dialSocks5 } from './socks5.js';
import { count, fill, header, PORTS, reset } from './streams.js';

/** The body of a small POST. */
const SMALL = Buffer.alloc(100, 'arctun');

const setup = JSON.parse(process.argv[2]);
const { stack, host, task, run, milliseconds, streams = 1 } = setup;
const input = createInterface({ input: process.stdin }).on('close', () => process.exit(0));

async function chooseDial() {
  if (stack === 'kernel') {
    return async (port) => {
      const socket = connect(port, host);
      await once(socket, 'connect');
      return socket;
    };
  }
  if (stack === 'socks5') return (port) => dialSocks5(setup.proxy, host, port);
  const tunnel = await createTunnel({ config: setup.config, congestion: setup.congestion });
  return (port) => tunnel.dialer.dial({ host, port });
}

async function untilTold() {
  console.log('ready');
  await once(input, 'line');
}

async function transfer() {
  const dial = await chooseDial();
  const all = await Promise.all(Array.from({ length: streams }, () => dial(PORTS[task])));
  for (const stream of all) stream.on('error', () => undefined);
  await untilTold();
  const counts = await Promise.all(all.map((stream) => transferOn(stream)));
  return task === 'up' ? {} : { ...counts[0], bytes: sum(counts.map(({ bytes }) => bytes)) };
}

async function transferOn(stream) {
  stream.write(header(run, milliseconds));
  if (task === 'down') {
    const counted = await count(stream, milliseconds);
    reset(stream);
    return counted;
  }
  stream.resume();
  fill(stream);
  // The server counts the bytes, and resets the connection at the end.
  await new Promise((resolve) => stream.on('close', resolve));
  return {};
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Measures one POST, including the handshake of its connection, as in a program that posts only
 * once.
 */
async function post() {
  const dial = await chooseDial();
  const body = Buffer.alloc(setup.bytes, 'arctun');
  await untilTold();
  const began = performance.now();
  const stream = await dial(PORTS.http);
  const request = httpRequest({
    createConnection: () => stream,
    method: 'POST',
    host,
    headers: { 'Content-Length': body.length, Connection: 'close' },
  });
  request.end(body);
  const [response] = await once(request, 'response');
  await once(response.resume(), 'end');
  if (response.statusCode !== 201) throw new Error(`status ${response.statusCode}`);
  return { milliseconds: performance.now() - began };
}

/** Sends POSTs one after the other on each of `connections` connections. */
async function posts() {
  const { url, connections = 1, proxy } = setup;
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
  for (const lane of lanes) await exchange(lane, request);
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

const tasks = { up: transfer, down: transfer, post, posts };
const result = await tasks[task]();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ run, ...result, cpu: (user + system) / 1e6 }));
process.exit(0);
