/** `up` as a whole except for the command line: the forwarder is real, the network is fake. */
import type { RenewalPorts } from '../../../src/app/session/session-renewal.js';
import { runTunnel, type TunnelUp } from '../../../src/app/up/run-tunnel.js';
import type { InterfaceTunnel } from '../../../src/tunnel/interface/interface-tunnel.js';
import type { ConfigNotice } from '../../../src/arc-config/member-notices.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { ServiceManager } from '../../../src/ports/service-manager.js';
import type { InterfaceLeftovers } from '../../../src/ports/packet-interfaces.js';
import { StoppedError } from '../../../src/lib/errors/stopped-error.js';
import type { LocalListeners } from '../../../src/ports/local-sockets.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { FakeCommands } from '../fake-commands.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import {
  CLIENT,
  CLIENT_KEY,
  SERVICE,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';
import { settled, until } from '../../support/until.js';

/** A system on which no socket can be created at a path. */
const NO_LISTENERS: LocalListeners = {
  listen: () => Promise.reject(Object.assign(new Error('not here'), { code: 'EACCES' })),
};

let world: TunnelInMemory;
let stop: AbortController;
let running: Promise<unknown>;
let commands: FakeCommands;
let claims: FakeClaims;
let manager: ServiceManager | undefined;
let listeners: LocalListeners;
/** The interface of tun mode; undefined in userspace mode. */
let device: InterfaceTunnel | undefined;
let leftovers: InterfaceLeftovers | undefined;
let force: boolean;
let renewal: RenewalPorts | undefined;
const ups: TunnelUp[] = [];

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
  stop = new AbortController();
  commands = new FakeCommands();
  claims = new FakeClaims();
  manager = undefined;
  listeners = NO_LISTENERS;
  device = undefined;
  leftovers = undefined;
  force = false;
  renewal = undefined;
  ups.length = 0;
});
afterEach(async () => {
  stop.abort(new Error('stop'));
  await turnUntil(() => world.link.openSockets === 1);
  await world.network.close();
});

/** Runs, and waits until the forwarder listens; returns its URL. */
async function start(host: string, wait: number, members: object = {}): Promise<string> {
  begin(host, wait, members);
  const line = () => world.log.lines.find(({ message }) => message === 'forwarder listening');
  await turnUntil(() => line() !== undefined);
  await world.settle();
  return String(line()!.fields.url);
}

/** @param members fields of arc.json, in addition to those that the network requires */
function begin(
  host: string,
  wait: number,
  members: object,
  notices: readonly ConfigNotice[] = [],
): void {
  const config = parseArcConfig(
    JSON.stringify({
      privateKey: Buffer.from(CLIENT_KEY).toString('base64'),
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(world.server.publicKey).toString('base64'),
        arcServerEndpoint: `${host}:${world.server.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: CLIENT,
      },
      ...members,
    }),
    { path: 'arc.json' },
  );
  running = runTunnel(
    {
      tunnel: {
        arcConfig: { config, original: config, source: 'arc.json', path: 'arc.json', notices },
      },
      mode: { mode: device === undefined ? 'userspace' : 'tun' },
      force,
      wait,
      signal: stop.signal,
      resends: true,
      forward: {
        listen: { host: '127.0.0.1', port: 0 },
        target: { host: SERVICE, port: 80 },
        headers: [],
      },
      services: {
        offer: { version: '0.1.0', pid: 4711, folders: ['/run/arctun'], statusListen: undefined },
        updates: { renewal },
      },
      onUp: (up) => ups.push(up),
    },
    {
      ...world.ports,
      claims,
      commands,
      listeners,
      manager,
      interfaceLeftovers: () => Promise.resolve(leftovers),
      deviceTunnels: () => Promise.resolve(device && { open: () => Promise.resolve(device!) }),
    },
  ).catch((error: unknown) => error);
}

/** Lets both event loops run, the real one and the fake one, in which no time passes. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await world.settle();
}

async function turnUntil(isDone: () => boolean): Promise<void> {
  await until(isDone, { turn });
}

/** A request, while `step` ms of virtual time pass with each turn of the event loop. */
async function request(url: string, step = 0): Promise<{ status: number; text: string }> {
  const asking = fetch(url, { method: 'POST', body: 'x' }).then(async (response) => ({
    status: response.status,
    text: await response.text(),
  }));
  return settled(asking, async () => {
    await turn();
    if (step > 0) await world.advance(step);
  });
}

it('reports the server’s address, and forwards requests', async () => {
  world.names.set('arc.example', { addresses: ['2001:db8::1'], ttl: 60_000 });
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.once('data', () => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    stream.on('error', () => undefined);
  });
  const url = await start('arc.example', 20_000);
  await turnUntil(() => ups.length > 0);
  expect(ups).toEqual([
    {
      mode: 'userspace',
      endpoint: `[2001:db8::1]:${world.server.port}`,
      forward: url,
      proxy: undefined,
      simId: '',
      socket: undefined,
    },
  ]);
  expect(await request(url)).toEqual({ status: 201, text: 'ok' });
});

it('answers 504 with the reason after 10 s of silence', async () => {
  world.link.connected = false;
  const url = await start('127.0.0.1', 0);
  const before = world.clock.now();
  const { status, text } = await request(url, 100);
  expect(status).toBe(504);
  const { error } = JSON.parse(text) as { error: Record<string, string> };
  expect(error).toMatchObject({ reason: 'no-handshake', silence: 'no-answer' });
  expect(error.message).toContain('has not answered');
  expect(world.clock.now() - before).toBeGreaterThanOrEqual(10_000);
});

it('finishes a request that waits for the first handshake when it is stopped', async () => {
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.once('data', () => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    stream.on('error', () => undefined);
  });
  world.link.connected = false;
  const url = await start('127.0.0.1', 0);
  const armed = world.clock.armed;
  const answer = request(url);
  // The dial has its own timers.
  await turnUntil(() => world.clock.armed > armed);
  stop.abort(new Error('stop'));
  world.link.connected = true;
  await world.advance(6_000);
  expect(await answer).toEqual({ status: 201, text: 'ok' });
  expect(await running).toBeUndefined();
});

describe('a stop', () => {
  const waits = () => world.log.messages('info').filter((line) => line.startsWith('Waiting'));
  const held: (() => void)[] = [];
  beforeEach(() => {
    held.length = 0;
    world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
      stream.on('error', () => undefined).resume();
      held.push(() => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    });
  });

  it.each([
    [1, new StoppedError('SIGINT'), '1 open connection. Press Ctrl-C again'],
    [2, new StoppedError('SIGTERM'), '2 open connections. Send the signal again'],
  ])('logs that it waits for %d open connections', async (count, reason, text) => {
    const url = await start('127.0.0.1', 20_000);
    const answers = Array.from({ length: count }, () => request(url));
    await turnUntil(() => held.length === count);
    stop.abort(reason);
    await turnUntil(() => waits().length > 0);
    expect(waits()).toEqual([`Waiting up to 5 s for ${text} to stop now.`]);
    held.forEach((answer) => answer());
    expect(await Promise.all(answers)).toEqual(answers.map(() => ({ status: 201, text: 'ok' })));
    await turnUntil(() => world.log.messages('info').includes('tunnel closed'));
    expect(await running).toBeUndefined();
    expect(waits()).toHaveLength(1);
  });
});

describe('the hooks of arc.json', () => {
  const HOOKS = {
    preUp: [['pre-up']],
    postUp: [['post-up', '%i'], ['post-up']],
    preDown: [['pre-down']],
    postDown: [['post-down']],
  };
  /** The commands that ran, in order, and whether the tunnel was open then. */
  let story: string[];
  const isOpen = () =>
    world.log.messages('debug').includes('handshake started') &&
    !world.log.messages('info').includes('tunnel closed');

  beforeEach(() => {
    story = [];
    commands.onRun = (program) => {
      story.push(isOpen() ? `${program}, open` : program);
    };
  });

  it('run around the tunnel: before and after it is opened, before and after it closes', async () => {
    await start('127.0.0.1', 20_000, HOOKS);
    await turnUntil(() => ups.length > 0);
    expect(story).toEqual(['pre-up', 'post-up, open']);
    stop.abort(new Error('stop'));
    await turnUntil(() => story.length === 4);
    expect(story.slice(2)).toEqual(['pre-down, open', 'post-down']);
    expect(await running).toBeUndefined();
    expect(world.log.messages('warn')).toEqual([
      expect.stringMatching(/^skipped PostUp\(0\): /),
      expect.stringMatching(/^cannot create the control socket, so /),
    ]);
  });

  it('undo what was started if preUp fails, and do not open the tunnel', async () => {
    commands.ends.set('pre-up', { exitCode: 1 });
    begin('127.0.0.1', 0, HOOKS);
    expect(await running).toMatchObject({ kind: 'failed', what: 'failed to do PreUp(0)' });
    expect(story).toEqual(['pre-up', 'post-down']);
    expect(world.log.messages('info')).not.toContain('forwarder listening');
  });

  it('run, and the tunnel closes, even if the control socket cannot be closed', async () => {
    const close = () => Promise.reject(new Error('the socket stays'));
    listeners = { listen: () => Promise.resolve({ close }) };
    await start('127.0.0.1', 20_000, HOOKS);
    await turnUntil(() => ups.length > 0);
    stop.abort(new Error('stop'));
    expect(await running).toMatchObject({ message: 'the socket stays' });
    expect(story.slice(2)).toEqual(['pre-down, open', 'post-down']);
  });

  it('all run, and fail the stop if a preDown or postDown command fails', async () => {
    commands.ends.set('pre-down', { exitCode: 1 });
    await start('127.0.0.1', 20_000, HOOKS);
    await turnUntil(() => ups.length > 0);
    stop.abort(new Error('stop'));
    await turnUntil(() => story.length === 4);
    expect(await running).toMatchObject({ kind: 'failed', what: 'failed to do PreDown(0)' });
  });

  it('are terminated by a stop, which is not a failure', async () => {
    commands.ends.set('post-up', 'hangs');
    begin('127.0.0.1', 0, HOOKS);
    await turnUntil(() => story.length === 2);
    stop.abort(new Error('stop'));
    await turnUntil(() => story.length === 4);
    expect(await running).toBeUndefined();
    expect(ups).toEqual([]);
  });
});

it.each([
  [false, ['soratun0']],
  [true, []],
])('removes a killed tunnel’s interface only without --force: %s', async (isForced, expected) => {
  const removed: string[] = [];
  leftovers = {
    isInUse: () => false,
    count: () => 0,
    remove: () => 0,
    kernelInterface: () => 'soratun0',
    removeInterface: (name) => void removed.push(name),
  };
  force = isForced;
  await start('192.0.2.9', 0);
  expect(removed).toEqual(expected);
});

it('ends in order at SIGABRT, the watchdog’s signal, and fails', async () => {
  await start('127.0.0.1', 20_000, { preDown: [['pre-down']], postDown: [['post-down']] });
  await turnUntil(() => ups.length > 0);
  const reason = new StoppedError('SIGABRT');
  stop.abort(reason);
  expect(await running).toBe(reason);
  expect(commands.lines).toEqual(['pre-down', 'post-down']);
  expect(world.log.messages('info')).toContain('tunnel closed');
});

describe('a service manager', () => {
  const DOWN = { preDown: [['pre-down']], postDown: [['post-down']] };
  /** The notifications about the end, and the commands that ran. */
  let story: string[];

  beforeEach(() => {
    story = [];
    manager = {
      watchdogTimeout: undefined,
      notify: async (state) => {
        // Delivery takes time, and the shutdown waits for it.
        await new Promise((resolve) => setImmediate(resolve));
        if (state.STOPPING !== undefined) story.push(`STOPPING: ${state.STATUS ?? ''}`);
      },
    };
    commands.onRun = (program) => story.push(program);
  });

  it('is notified of a stop before anything else is done', async () => {
    await start('127.0.0.1', 20_000, DOWN);
    await turnUntil(() => ups.length > 0);
    stop.abort(new Error('stop'));
    expect(await running).toBeUndefined();
    expect(story).toEqual(['STOPPING: Stopping', 'pre-down', 'post-down']);
  });

  it('is notified of a failure, with the reason, before anything else is done', async () => {
    world.link.connected = false;
    await start('127.0.0.1', 3_000, DOWN);
    await world.advance(3_000);
    expect(await running).toMatchObject({ kind: 'tunnel' });
    expect(story).toEqual([
      expect.stringMatching(/^STOPPING: Stopping: no handshake/),
      'pre-down',
      'post-down',
    ]);
  });
});

it.each([true, false])('logs the counters each minute if enabled in arc.json: %s', async (on) => {
  const simId = '8942310022000012345';
  await start('127.0.0.1', 20_000, { enableMetrics: on, simId, interface: 'soratun0' });
  await turnUntil(() => ups.length > 0);
  const metrics = () => world.log.messages('info').filter((line) => line.startsWith('soratun_'));
  expect(metrics()).toEqual([]);
  await world.advance(60_000);
  const label = `{simId="${simId}",interface="soratun0",endpoint="127.0.0.1:${world.server.port}"}`;
  const handshake = Math.floor((world.wallOffset + 1_000) / 1000);
  expect(metrics()).toEqual(
    on
      ? [
          expect.stringMatching(/^soratun_sent_bytes_total\{.*\} [1-9]\d*$/),
          expect.stringMatching(/^soratun_received_bytes_total\{.*\} 92$/),
          `soratun_latest_handshake_epoch${label} ${handshake}`,
        ]
      : [],
  );
});
