/**
 * One run at the client's end of the tunnel:
 *
 *     node client.js '{"stack":"kernel","host":"100.127.69.42","task":"up","run":1,"milliseconds":3000}'
 *
 * `stack` is `kernel`, the kernel's TCP, or `socks5`, the proxy at `proxy`. `task` is `up` or `down`,
 * with the number of `streams` at once, or `posts`, as many small POSTs to `url` on `connections`
 * connections as possible. The program prints `ready`, waits for a line, and prints the result as
 * JSON. It exits when its standard input ends.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { posts } from './posts.js';
import { dialSocks5 } from './socks5.js';
import { count, fill, header, PORTS, reset } from './streams.js';

const setup = JSON.parse(process.argv[2]);
const { stack, host, task, run, milliseconds, streams = 1 } = setup;
const input = createInterface({ input: process.stdin }).on('close', () => process.exit(0));

async function dial(port) {
  if (stack === 'socks5') return dialSocks5(setup.proxy, host, port);
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}

async function untilTold() {
  console.log('ready');
  await once(input, 'line');
}

async function transfer() {
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

const tasks = { up: transfer, down: transfer, posts: () => posts(setup, untilTold) };
const result = await tasks[task]();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ run, ...result, cpu: (user + system) / 1e6 }));
process.exit(0);
