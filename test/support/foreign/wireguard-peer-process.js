/**
 * The built WireGuard and TCP/IP with options that arc.json lacks: a pre-shared key, a fixed port,
 * no endpoint. Each line of standard input is a request `{"id", "do", …}`, each line of standard
 * output its reply `{"id", "result"}` or `{"id", "error"}`; the process exits at the end of the
 * input.
 *
 * Inside the tunnel it serves HTTP on port 80: GET /bytes/N returns N bytes, GET /paced/N/MS
 * returns N lines, one per MS; POST returns the length and the SHA-256 of the body.
 */
import { createHash } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { selectCrypto } from '../../../dist/src/crypto/select.js';
import { loadLibc } from '../../../dist/src/system/linux/libc.js';
import { NetstackEngine } from '../../../dist/src/engine/netstack-engine.js';
import { systemClock, systemWallClock } from '../../../dist/src/system/clock.js';
import { systemEntropy } from '../../../dist/src/system/entropy.js';
import { udpSockets } from '../../../dist/src/system/network/udp-socket.js';
import { Driver } from '../../../dist/src/tunnel/driver.js';
import { TcpSocket } from '../../../dist/src/tunnel/node/tcp-socket.js';
import { parseIpAddress, parseIpPrefix } from '../../../dist/src/wire/ip-address.js';

const HTTP_PORT = 80;
const DISCARD_PORT = 9;
const LINE = 1000;

/** Milliseconds; longer than the silence of a restarted peer. */
const DIAL_TIMEOUT = 45_000;

/** A socket that can be closed and reopened elsewhere, as when a machine changes networks. */
class MovingSocket {
  onReceive = () => undefined;
  onDrain = () => undefined;
  onError = () => undefined;
  #socket;

  async open(local) {
    await this.#socket?.close();
    this.#socket = await udpSockets.open(local);
    this.#socket.onReceive = (datagrams) => this.onReceive(datagrams);
    this.#socket.onDrain = () => this.onDrain();
    this.#socket.onError = (error) => this.onError(error);
  }

  get localAddress() {
    return this.#socket.localAddress;
  }

  get localPort() {
    return this.#socket.localPort;
  }

  get queuedBytes() {
    return this.#socket.queuedBytes;
  }

  send(datagrams) {
    this.#socket.send(datagrams);
  }

  close() {
    return this.#socket.close();
  }
}

const key = (base64) => base64 && Uint8Array.from(Buffer.from(base64, 'base64'));
const clock = systemClock;
const socket = new MovingSocket();
let engine;
let driver;
let peer;
let handshakes = 0;
let socketError;

function handleEvent(event) {
  if (event.type === 'handshake-complete') handshakes++;
}

async function open({ privateKey, addresses, mtu, local, peer: options }) {
  await socket.open(local);
  engine = new NetstackEngine(
    {
      privateKey: key(privateKey),
      addresses: addresses.map(parseIpAddress),
      mtu,
      crypto: await selectCrypto(await loadLibc()),
      entropy: systemEntropy,
      wallClock: systemWallClock,
    },
    clock.now(),
  );
  peer = engine.device.addPeer(
    {
      publicKey: key(options.publicKey),
      presharedKey: key(options.presharedKey),
      endpoint: options.endpoint,
      allowedIps: options.allowedIps.map(parseIpPrefix),
      persistentKeepalive: options.persistentKeepalive,
    },
    clock.now(),
  );
  driver = new Driver({ engine, socket, clock, onEvent: handleEvent });
  socket.onError = (error) => (socketError = error.message);
  serve();
  // A persistent keepalive is due immediately.
  driver.schedule();
  return { localPort: socket.localPort };
}

function status() {
  return {
    received: peer.rxBytes,
    sent: peer.txBytes,
    endpoint: peer.endpoint ?? null,
    latestHandshake: Math.floor((peer.lastHandshakeUnix ?? 0) / 1000),
    handshakes,
    hasSession: peer.hasSession(clock.now()),
    cookieReceived: peer.cookieReceivedAt !== undefined,
    wrongSources: engine.device.drops.of('wrong-source'),
    silence: engine.device.silenceOf(peer, clock.now()) ?? null,
    socketError: socketError ?? null,
  };
}

function dial(host, port) {
  return new Promise((resolve, reject) => {
    const stream = new TcpSocket(driver);
    const observer = {
      ...stream.observer,
      established: () => resolve(stream),
      closed: (reason) => {
        reject(new Error(`${host}:${port}: ${reason}`));
        stream.observer.closed(reason);
      },
    };
    const remote = { address: parseIpAddress(host), port };
    const options = { connectTimeout: DIAL_TIMEOUT };
    stream.attach(engine.stack.connectTcp(remote, observer, clock.now(), options));
    driver.schedule();
  });
}

/** Sends an HTTP POST through the tunnel: `lines` lines, one per `interval` ms. */
async function post({ host, port = HTTP_PORT, path, lines = 0, interval = 0 }) {
  const stream = await dial(host, port);
  const outgoing = httpRequest({
    createConnection: () => stream,
    method: 'POST',
    host,
    path,
    headers: { 'Content-Length': lines * LINE },
  });
  const answered = new Promise((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject);
  });
  // A failure is reported when `answered` is awaited, after the body.
  answered.catch(() => undefined);
  const hash = createHash('sha256');
  for await (const line of pacedLines(lines, interval)) {
    hash.update(line);
    if (!outgoing.write(line)) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  outgoing.end();
  const response = await answered;
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode, body, sha256: hash.digest('hex') };
}

async function get({ host, port = HTTP_PORT, path }) {
  const stream = await dial(host, port);
  const outgoing = httpRequest({ createConnection: () => stream, host, path });
  const response = await new Promise((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject).end();
  });
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of response) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { status: response.statusCode, length, sha256: hash.digest('hex') };
}

async function* pacedLines(count, interval) {
  for (let index = 0; index < count; index++) {
    if (index > 0 && interval > 0) await pause(interval);
    yield `${index}`.padEnd(LINE - 1, '.') + '\n';
  }
}

function serve() {
  const server = createServer((request, response) => {
    handleRequest(request, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  engine.stack.listenTcp({ port: HTTP_PORT }, (connection) => {
    const stream = new TcpSocket(driver);
    stream.attach(connection);
    stream.on('error', () => undefined);
    server.emit('connection', stream);
    return stream.observer;
  });
}

async function handleRequest(request, response) {
  const [, what, count, interval] = (request.url ?? '').split('/');
  if (request.method === 'POST') {
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      length += chunk.length;
    }
    response.end(JSON.stringify({ length, sha256: hash.digest('hex') }));
  } else if (what === 'bytes') {
    response.end(Buffer.alloc(Number(count), 'arctun\n'));
  } else if (what === 'paced') {
    for await (const line of pacedLines(Number(count), Number(interval))) response.write(line);
    response.end();
  } else {
    response.writeHead(404).end();
  }
}

const requests = {
  open,
  status,
  post,
  get,
  /** Starts a handshake, as opening a tunnel does. */
  handshake() {
    engine.device.initiateHandshake(peer, clock.now());
    driver.schedule();
  },
  /** Sends one packet into the tunnel, to a port where nothing listens. */
  datagram({ host }) {
    const udp = engine.stack.bindUdp({ port: 0 }, () => undefined);
    udp.sendTo(Buffer.from('arctun'), { address: parseIpAddress(host), port: DISCARD_PORT });
    driver.schedule();
  },
  setPresharedKey: ({ presharedKey }) => peer.setPresharedKey(key(presharedKey)),
  async move({ local }) {
    await socket.open(local);
    return { localPort: socket.localPort };
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, do: name, ...parameters } = JSON.parse(line);
    Promise.resolve()
      .then(() => requests[name](parameters))
      .then(
        (result) => console.log(JSON.stringify({ id, result: result ?? null })),
        (error) => console.log(JSON.stringify({ id, error: error.stack ?? String(error) })),
      );
  })
  .on('close', () => process.exit(0));
