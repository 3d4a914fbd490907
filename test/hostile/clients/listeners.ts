/**
 * Each local listener on a real port or path, in front of a network in memory: how to connect, what
 * a client may send, and a question whose answer shows that the listener still serves others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { describeFailure } from '../../../src/app/access/portable-failure.js';
import { ControlSession } from '../../../src/app/status/control-session.js';
import { forwardHandlers } from '../../../src/app/status/forward-requests.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { DnsForwarder } from '../../../src/proxy/dns/dns-forwarder.js';
import { startDnsListener } from '../../../src/proxy/dns/dns-listener.js';
import { startForwarder } from '../../../src/proxy/forward/forwarder.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { startPageListener, textPage } from '../../../src/proxy/page-listener.js';
import { parseForward } from '../../../src/proxy/port-forward/forward-spec.js';
import { PortForwards } from '../../../src/proxy/port-forward/port-forwards.js';
import { SharedTunnel } from '../../../src/proxy/shared/shared-tunnel.js';
import { systemClock } from '../../../src/system/clock.js';
import { localListeners } from '../../../src/system/network/local-listener.js';
import { udpSockets } from '../../../src/system/network/udp-socket.js';
import { encodeQuery } from '../../proxy/dns/queries.js';
import { FakeInnerNetwork } from '../../proxy/port-forward/fake-inner-network.js';
import { atLength } from '../../support/runner/tier.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { AnsweringTarget, answeringDialer } from './answering-target.js';

export interface Attacked {
  /** Connects a client. */
  readonly connect: () => Socket;
  /** Valid and nearly valid messages, as latin1 text. */
  readonly messages: readonly string[];
  /** A whole exchange: what to send, and what the answer contains. */
  readonly question: string;
  readonly answer: string;
  /** Whether clients connect to a path. */
  readonly isLocal?: boolean;
  /** Whether the first bytes of a client make its connection one that must not be replaced. */
  readonly keepsUsed: boolean;
  /** The number of requests or connections in progress. */
  readonly active: () => number;
  readonly close: () => Promise<void>;
}

/** The limit of connections; a small one makes the short run fast. */
const MOST = atLength({ short: 40, long: 1_024 });

const local = { host: '127.0.0.1', port: 0 };
const LOG = silentLog;
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const PROXIED = 'GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n';
const CONNECT = `CONNECT one.test:80 HTTP/1.1\r\nHost: one.test\r\n\r\n${GET}`;
const SOCKS5 = `\x05\x01\x00\x05\x01\x00\x03\x08one.test\x00\x50${GET}`;
const WITH_PASSWORD = `\x05\x01\x02\x01\x01u\x06secret\x05\x01\x00\x01\x64\x7f\x45\x2a\x00\x50${GET}`;
const ASSOCIATE = `\x05\x01\x00\x05\x03\x00\x01${'\0'.repeat(6)}`;
const SOCKS4 = `\x04\x01\x00\x50\x00\x00\x00\x01user\0one.test\0${GET}`;
const PAC = 'GET /proxy.pac HTTP/1.1\r\nHost: localhost:1080\r\n\r\n';
const BODIES = [
  'POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
  'POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab',
  'GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nx',
];

const datagramPorts = {
  bind: () => Promise.resolve({ send: () => undefined, close: () => undefined }),
  resolve: () => Promise.resolve(Uint8Array.of(10, 0, 0, 1)),
};

async function forwarder(): Promise<Attacked> {
  const target = { host: '100.127.69.42', port: 80 };
  const listener = await startForwarder({
    ...{ listen: local, target, headers: [], dialer: answeringDialer, log: LOG },
    maxConnections: MOST,
  });
  return {
    connect: () => connectTo(listener.url),
    messages: [GET, GET + GET, ...BODIES, CONNECT],
    question: GET,
    answer: 'ok',
    keepsUsed: false,
    active: () => listener.counters.active,
    close: () => listener.close({ graceMs: 0 }),
  };
}

async function mixed(password?: string): Promise<Attacked> {
  const listener = await startMixedPort({
    ...{ listen: local, dialer: answeringDialer, log: LOG },
    maxConnections: MOST,
    udp: { sockets: udpSockets, ports: datagramPorts },
    pac: { names: ['one.test'], allowedIps: () => Promise.resolve(['0.0.0.0/0']), hosts: [] },
    ...(password !== undefined && { password: new Secret(Buffer.from(password)) }),
  });
  const isOpen = password === undefined;
  return {
    connect: () => connectTo(listener.url),
    messages: [PROXIED, CONNECT, SOCKS5, WITH_PASSWORD, ASSOCIATE, SOCKS4, PAC, ...BODIES],
    question: isOpen ? SOCKS5 : WITH_PASSWORD,
    answer: 'ok',
    keepsUsed: false,
    active: () => listener.counters.active,
    close: () => listener.close({ graceMs: 0 }),
  };
}

async function dns(): Promise<Attacked> {
  const upstream = { ask: () => Promise.reject(new DialError('not-ready', 'no tunnel')) };
  const hosts = new Map([['one.test', ['192.0.2.77']]]);
  const forwarder = new DnsForwarder({ upstream, hosts, clock: systemClock, log: LOG });
  const listener = await startDnsListener({
    ...{ listen: local, flag: '--dns-listen', forwarder, clock: systemClock, log: LOG },
  });
  const framed = (name: string) => {
    const query = encodeQuery(name, 'A', { id: 7 });
    return String.fromCharCode(query.length >> 8, query.length & 255) + latin1Text(query);
  };
  return {
    connect: () => connectTo(`http://${listener.authority}`),
    messages: [framed('one.test'), framed('two.test'), framed('one.test').repeat(20)],
    question: framed('one.test'),
    answer: '\xc0\x00\x02\x4d',
    keepsUsed: false,
    active: () => forwarder.pending,
    close: () => listener.close(),
  };
}

async function statusPages(): Promise<Attacked> {
  const pages = new Map([['/healthz', () => Promise.resolve(textPage(200, 'well'))]]);
  const listener = await startPageListener({
    listen: local,
    flag: '--status-listen',
    pages,
    log: LOG,
  });
  const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  return {
    connect: () => connectTo(listener.url),
    messages: [request, request + request, PAC, ...BODIES],
    question: request,
    answer: 'well',
    keepsUsed: false,
    active: () => 0,
    close: () => listener.close(),
  };
}

async function controlSocket(): Promise<Attacked> {
  const folder = mkdtempSync(join(tmpdir(), 'arctun-hostile-'));
  const path = join(folder, 'control.sock');
  const refuse = () => Promise.reject(new DialError('refused', 'no'));
  const shared = new SharedTunnel({
    dialer: answeringDialer,
    datagramDialer: { open: refuse },
    echoDialer: { open: refuse },
    log: LOG,
    describe: describeFailure,
  });
  const requests = {
    status: () => Promise.resolve({ status: 'x'.repeat(1_000) }),
    ...forwardHandlers(() => undefined),
  };
  const listener = await localListeners.listen(
    path,
    () => new ControlSession(requests, shared.requests),
    { maxConversations: MOST },
  );
  const dial = '{"request":"dial","host":"one.test","port":80}\n';
  return {
    connect: () => connect(path),
    isLocal: true,
    messages: [
      '{"request":"status"}\n',
      '{"request":"status"}\n'.repeat(50),
      '{"request":"forward-list"}\n',
      dial,
      `${dial}\x01\0\0\x04data`,
      '{"request":"echo","host":"10.0.0.1"}\n',
      '{"request":"datagrams","host":"10.0.0.1","port":53}\n',
    ],
    question: '{"request":"forward-list"}\n',
    answer: 'network interface',
    keepsUsed: false,
    active: () => shared.active,
    close: async () => {
      await Promise.all([listener.close(), shared.close({ graceMs: 0 })]);
      rmSync(folder, { recursive: true });
    },
  };
}

async function localForward(): Promise<Attacked> {
  const inner = Object.assign(new FakeInnerNetwork(), { dialer: answeringDialer });
  const forwards = new PortForwards({ network: Promise.resolve(inner), log: LOG, most: MOST });
  const [opened] = await forwards.open([parseForward('local', '0:one.test:80')]);
  return {
    connect: () => connectTo(`http://${opened!.listen}`),
    messages: [GET, SOCKS5],
    question: GET,
    answer: 'ok',
    // The bytes of a forward may be of any protocol.
    keepsUsed: true,
    active: () => forwards.list()[0]?.active ?? 0,
    close: () => forwards.close({ graceMs: 0 }),
  };
}

/** Clients inside the tunnel; a second server stands for their end, because they have no sockets here. */
async function remoteForward(): Promise<Attacked> {
  const service = await serverOf((socket) => {
    const target = new AnsweringTarget();
    socket.on('error', () => target.destroy()).on('close', () => target.destroy());
    socket.pipe(target).pipe(socket);
  });
  const inner = new FakeInnerNetwork();
  const forwards = new PortForwards({ network: Promise.resolve(inner), log: LOG, most: MOST });
  await forwards.open([parseForward('remote', `80:127.0.0.1:${service.port}`)]);
  const entrance = await serverOf((socket) =>
    inner.tcpPorts.get(80)!(socket, { host: '100.127.1.1', port: socket.remotePort ?? 0 }),
  );
  return {
    connect: () => connectTo(`http://127.0.0.1:${entrance.port}`),
    messages: [GET, SOCKS5],
    question: GET,
    answer: 'ok',
    // The bytes of a forward may be of any protocol.
    keepsUsed: true,
    active: () => forwards.list()[0]?.active ?? 0,
    close: async () => {
      await forwards.close({ graceMs: 0 });
      entrance.server.close();
      service.server.close();
    },
  };
}

async function serverOf(
  accept: (socket: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, accept);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect({ host: hostname, port: Number(port), allowHalfOpen: true });
}

function latin1Text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The listeners, each with its limit of connections and how to open it. */
export const LISTENERS: readonly (readonly [string, number, () => Promise<Attacked>])[] = [
  ['the forwarder', MOST, forwarder],
  ['the mixed port', MOST, () => mixed()],
  ['the mixed port with a password', MOST, () => mixed('secret')],
  ['the DNS listener over TCP', 64, dns],
  ['the status pages', 64, statusPages],
  ['the control socket', MOST, controlSocket],
  ['a local forward', MOST, localForward],
  ['a remote forward', MOST, remoteForward],
];
