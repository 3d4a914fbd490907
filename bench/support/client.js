/**
 * One run at the client's end of the tunnel:
 *
 *     node client.js '{"stack":"ours","config":"arc.json","congestion":"bbr","host":"100.127.69.42",
 *                      "task":"up","run":1,"milliseconds":3000}'
 *
 * `stack` is `ours`, the library's dialer; `kernel`, the kernel's TCP; or `socks5`, the proxy at
 * `proxy`. `task` is `up` or `down`, a stream; `post`, one POST of `bytes`; or `posts`, as many
 * small POSTs to `url` as possible. It prints `ready`, waits for a line, and prints the result as
 * JSON. It exits at the end of its standard input.
 */
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { createTunnel } from '../../dist/bundle/index.js';
import { dialSocks5 } from './socks5.js';
import { count, fill, header, PORTS, reset } from './streams.js';

/** The number of concurrent small POSTs, and the body of each. */
const AT_ONCE = 8;
const SMALL = Buffer.alloc(100, 'arctun');

const setup = JSON.parse(process.argv[2]);
const { stack, host, task, run, milliseconds } = setup;
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
  const stream = await dial(PORTS[task]);
  stream.on('error', () => undefined);
  await untilTold();
  stream.write(header(run, milliseconds));
  if (task === 'down') {
    const counted = await count(stream, milliseconds);
    reset(stream);
    return counted;
  }
  stream.resume();
  fill(stream);
  // The server counts, and resets the connection when it has finished.
  await new Promise((resolve) => stream.on('close', resolve));
  return {};
}

/** Measures one POST including the connection's handshake, as in a program that posts once. */
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

async function posts() {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const one = async () => {
    const request = httpRequest(setup.url, { agent, method: 'POST' });
    request.end(SMALL);
    const [response] = await once(request, 'response');
    await once(response.resume(), 'end');
    if (response.statusCode !== 201) throw new Error(`status ${response.statusCode}`);
  };
  await one();
  await untilTold();
  const until = performance.now() + milliseconds;
  let done = 0;
  const worker = async () => {
    while (performance.now() < until) {
      await one();
      done++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { perSecond: (done * 1000) / milliseconds };
}

const tasks = { up: transfer, down: transfer, post, posts };
const result = await tasks[task]();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ run, ...result, cpu: (user + system) / 1e6 }));
process.exit(0);
