/**
 * Clocks that jump, a server that moves and a network that changes, with an independent WireGuard.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

import { FakeWallClock } from '../../support/foreign/faketime.js';
import { ARCTUN, type TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { until } from '../../support/until.js';
import {
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool'] as const;
const NAME = 'arc.test';
/** Addresses of the same network that are initially unused. */
const [OTHER, CLIENT_OTHER] = ['192.0.2.9', '192.0.2.99'] as const;
/** An address of the same network that no machine has. */
const ABSENT = '192.0.2.77';
const [CLIENT6, NOBODY6] = ['2001:db8::2', '2001:db8::9'] as const;
const [INITIATION, DATA] = ['1', '4'] as const;

let server: WireGuardGoServer;
/** The names of both ends of the link, and of the server's WireGuard. */
let link: { client: string; server: string };
let device: string;

beforeEach(async () => {
  server = new WireGuardGoServer();
  const name = server.clientSpace.slice(0, -1);
  link = { client: `${name}0`, server: `${name}1` };
  device = `wg${name}`.slice(0, 15);
  mkdirSync(netnsFolder(), { recursive: true });
  resolveTo(SERVER_OUTSIDE);
  server.writeConfig({ endpoint: `${NAME}:${LISTEN_PORT}` });
  await server.startWireGuard();
  await server.startHttp();
});
afterEach(async () => {
  await server.close();
  rmSync(netnsFolder(), { recursive: true });
});

/** Files in here replace those of /etc for programs in the client's namespace. */
const netnsFolder = () => `/etc/netns/${server.clientSpace}`;

/** Written in place: running processes would not see a new file. */
function resolveTo(...addresses: readonly string[]): void {
  const lines = addresses.map((address) => `${address} ${NAME}\n`).join('');
  writeFileSync(`${netnsFolder()}/hosts`, `127.0.0.1 localhost\n${lines}`);
}

function run(command: string, ...parameters: string[]): string {
  return execFileSync(command, parameters, { encoding: 'utf8' });
}

function latestHandshake(): number {
  const [, time] = run(
    ...inSpace(server.serverSpace),
    'wg',
    'show',
    device,
    'latest-handshakes',
  ).split('\t');
  return Number(time);
}

/** `up` with a custom environment. */
async function up(env: NodeJS.ProcessEnv = {}): Promise<{ process: TestProcess; url: string }> {
  const command = [process.execPath, ARCTUN, 'up', '--json', '--log-level', 'debug'];
  const options = ['--log-format', 'json', '--forward-listen', '127.0.0.1:0'];
  const started = server.processes.start(
    [...inSpace(server.clientSpace), ...command, ...options, '--config', server.configPath],
    { env: { XDG_STATE_HOME: server.folder, ...env } },
  );
  const match = await started.output(/"forward":"(http:[^"]+)"/);
  return { process: started, url: match[1]! };
}

/** A request's status, or 0. */
async function post(url: string, ...options: readonly string[]): Promise<number> {
  const { stdout } = await server.curl(
    ...options,
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '-d',
    'x',
    url,
  ).finished;
  return Number(stdout);
}

/** Sends requests until one is answered; returns how long that took, in ms. */
async function recovery(url: string, limit: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const status = await post(url, '--max-time', '15');
    const passed = performance.now() - began;
    if (status === 201) return passed;
    if (passed > limit) throw new Error(`no answer in ${limit} ms; the last one was ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Types and receiver indices of the client's datagrams, in order, from now on. */
async function watchDatagrams(): Promise<() => Promise<{ type: string; receiver: string }[]>> {
  const fields = ['wg.type', 'wg.receiver', 'ip.src', 'udp.dstport'].flatMap((name) => [
    '-e',
    name,
  ]);
  const tshark = server.processes.start([
    ...[...inSpace(server.serverSpace), 'tshark', '-l', '-n', '-i', link.server],
    ...['-d', `udp.port==${LISTEN_PORT},wg`, '-f', `udp dst port ${LISTEN_PORT}`],
    ...['-T', 'fields', ...fields],
  ]);
  const lines = () => tshark.stdout.split('\n').map((line) => line.split('\t'));
  const isMark = ([, , source]: readonly string[]) => source === SERVER_OUTSIDE;
  /** Sends datagrams of the server's own to no machine until tshark has shown one. */
  const mark = async () => {
    const before = lines().filter(isMark).length;
    const send = `echo >/dev/udp/${ABSENT}/${LISTEN_PORT}`;
    await until(() => lines().filter(isMark).length > before, {
      turn: () => {
        run(...inSpace(server.serverSpace), 'bash', '-c', send);
        return new Promise((resolve) => setTimeout(resolve, 100));
      },
    });
  };
  const neighbor = [ABSENT, 'lladdr', '02:00:00:00:00:77', 'dev', link.server];
  run('ip', '-n', server.serverSpace, 'neighbor', 'replace', ...neighbor);
  await mark();
  return async () => {
    await mark();
    tshark.kill('SIGTERM');
    await tshark.finished;
    return lines()
      .filter((fields) => fields.length > 1 && !isMark(fields))
      .map(([type = '', receiver = '']) => ({ type, receiver }));
  };
}

describeWith([...PEERS, 'faketime', 'tshark', 'bash'], 'a machine that slept', () => {
  it('answers the first request after 10 minutes, in a new session', async () => {
    const clock = new FakeWallClock(server.folder);
    const { process: client, url } = await up(clock.env);
    const before = await watchDatagrams();
    expect(await post(url)).toBe(201);
    const oldSession = new Set((await before()).map(({ receiver }) => receiver));
    expect(oldSession.size).toBe(1);
    const handshake = latestHandshake();

    client.kill('SIGSTOP');
    // Long enough for wg show, which shows whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    clock.set(600);
    const after = await watchDatagrams();
    client.kill('SIGCONT');
    const began = performance.now();
    expect(await post(url, '--max-time', '20')).toBe(201);
    const passed = performance.now() - began;
    console.info(`answered ${passed.toFixed(0)} ms after SIGCONT`);
    expect(latestHandshake()).toBeGreaterThan(handshake);

    const datagrams = await after();
    expect(datagrams[0]?.type).toBe(INITIATION);
    // A lost handshake would be repeated.
    expect(datagrams.filter(({ type }) => type === INITIATION)).toHaveLength(1);
    const data = datagrams.filter(({ type }) => type === DATA);
    expect(data.length).toBeGreaterThan(0);
    expect(data.filter(({ receiver }) => oldSession.has(receiver))).toEqual([]);
    expect(client.stderr).toContain('the clock was changed or the machine slept');
  }, 60_000);
});

describeWith(PEERS, 'an Arc server that moves', () => {
  it('is found at another address of its name, without a restart', async () => {
    const { process: client, url } = await up();
    expect(await post(url)).toBe(201);
    // Another one replaces it, with its key: it does not know the client's address.
    await server.killWireGuard();
    server.http?.kill('SIGKILL');
    const address = ['ip', '-n', server.serverSpace, 'address'] as const;
    run(...address, 'delete', `${SERVER_OUTSIDE}/24`, 'dev', link.server);
    server.wire?.addServer(OTHER);
    run(...address, 'add', `${OTHER}/24`, 'dev', link.server);
    await server.startWireGuard();
    await server.startHttp();
    resolveTo(OTHER);
    const passed = await recovery(url, 60_000);
    console.info(`found after ${(passed / 1000).toFixed(1)} s`);
    expect(client.running).toBe(true);
    expect(client.stderr).toContain('the Arc server has moved to another address');
    expect(client.stderr).toContain(`${OTHER}:${LISTEN_PORT}`);
  }, 120_000);

  it('is found at its second address if the first one, of the other family, is dead', async () => {
    const local = [`${CLIENT6}/64`, 'dev', link.client, 'nodad'];
    run('ip', '-n', server.clientSpace, 'address', 'add', ...local);
    resolveTo(NOBODY6, SERVER_OUTSIDE);
    const { process: client, url } = await up();
    expect(await post(url)).toBe(201);
    const tried = [...client.stderr.matchAll(/"endpoint":"([^"]+)".*"handshake initiation"/g)];
    expect(tried.map((match) => match[1])).toEqual([
      `[${NOBODY6}]:${LISTEN_PORT}`,
      `${SERVER_OUTSIDE}:${LISTEN_PORT}`,
    ]);
    expect(client.running).toBe(true);
  }, 60_000);
});

describeWith(PEERS, 'a client whose network changes', () => {
  it('continues from its new address, without a restart', async () => {
    const { process: client, url } = await up();
    expect(await post(url)).toBe(201);
    const space = server.clientSpace;
    run('ip', '-n', space, 'address', 'delete', '192.0.2.2/24', 'dev', link.client);
    // Without an address there is no route: datagrams sent meanwhile are refused.
    expect(await post(url, '--max-time', '3')).toBe(0);
    run('ip', '-n', space, 'address', 'add', `${CLIENT_OTHER}/24`, 'dev', link.client);
    const passed = await recovery(url, 60_000);
    console.info(`went on after ${(passed / 1000).toFixed(1)} s`);
    expect(client.running).toBe(true);
    expect(client.stderr).toContain('cannot send to the Arc server');
    const endpoints = run(...inSpace(server.serverSpace), 'wg', 'show', device, 'endpoints');
    expect(endpoints).toContain(`${CLIENT_OTHER}:`);
  }, 120_000);
});
