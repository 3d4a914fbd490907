/** Finding the running `up`, with fakes for its claim and its control socket. */
import type { AccessOptions, TunnelAccess } from '../../../src/app/access/access.js';
import { openAccess } from '../../../src/app/access/tunnel-access.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { simUseLine, type SimUse } from '../../../src/app/up/sim-use.js';
import { STATUS_REQUEST } from '../../../src/app/status/control-session.js';
import type { StatusReport } from '../../../src/app/status/status-report.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { fakeShares } from '../../support/fakes/fake-shares.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { CONNECTING, REPORT } from '../../support/fakes/status-report.js';
import { TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';

const SOCKET = '/run/user/1000/arctun/soratun0.sock';
const UP: SimUse = { command: 'up', pid: 1234, forward: 'http://127.0.0.1:8888', socket: SOCKET };
const PRIVATE_KEY = new Uint8Array(32).fill(3);

const crypto = createNodeCrypto();
let world: TunnelInMemory;
let claims: FakeClaims;
let shares: ReturnType<typeof fakeShares>;
let stop: AbortController;

beforeEach(async () => {
  world = new TunnelInMemory(crypto);
  await world.openNetwork();
  claims = new FakeClaims();
  shares = fakeShares();
  stop = new AbortController();
});
afterEach(() => world.network.close());

function hold(use: SimUse): void {
  const name = Buffer.from(crypto.publicKey(PRIVATE_KEY)).toString('hex');
  claims.holders.set(name, () => simUseLine(use));
}

function answer(report: Partial<StatusReport> | string): void {
  const line = typeof report === 'string' ? report : JSON.stringify({ status: report });
  shares.connections.sockets.set(SOCKET, `${line}\n`);
}

function open(changes: Partial<AccessOptions> = {}): Promise<TunnelAccess | UserError> {
  const config = {
    privateKey: new Secret(PRIVATE_KEY),
    nameServers: ['100.127.0.53'],
  } as unknown as TunnelConfig;
  const options: AccessOptions = {
    ...{ command: 'exec', config, force: false, pid: 4711, wait: 20_000 },
    ...{ signal: stop.signal, ...changes },
  };
  return openAccess(options, { ...world.ports, claims, ...shares }).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
}

it('uses the socket of the running up, and reports its listeners', async () => {
  hold(UP);
  answer(REPORT);
  const access = await open();
  expect(access).toMatchObject({ via: 'shared', listeners: REPORT.listeners });
  expect(shares.connections.asked).toEqual([[SOCKET, STATUS_REQUEST]]);
  expect(world.log.messages('debug')).toEqual(['using the tunnel of a running command']);
  await (access as TunnelAccess).close();
});

it('uses the system’s sockets if the up has a network interface', async () => {
  hold({ command: 'up', pid: 1234, interface: 'soratun0', socket: SOCKET });
  answer({ ...REPORT, mode: 'tun', interface: 'soratun0', listeners: {} });
  const { dialer } = (await open()) as TunnelAccess;
  await expect(dialer.dial({ host: '192.0.2.9', port: 80 })).rejects.toMatchObject({
    reason: 'no-route',
    message: '192.0.2.9 is outside the allowed IPs',
  });
});

it.each([
  ['192.0.2.9', ["Use the system's ping: ping -I soratun0 192.0.2.9"]],
  [
    'pong.test',
    [
      'Look up the address of the host with "arctun dig".',
      "Use the system's ping: ping -I soratun0 ADDRESS",
    ],
  ],
])('refers to the system’s ping for %s if the up has a network interface', async (host, next) => {
  hold({ command: 'up', pid: 1234, interface: 'soratun0', socket: SOCKET });
  answer({ ...REPORT, mode: 'kernel', interface: 'soratun0', listeners: {} });
  const { echoDialer } = (await open({ command: 'ping' })) as TunnelAccess;
  await expect(echoDialer.open(host)).rejects.toMatchObject({
    kind: 'usage',
    what: `cannot ping ${host}`,
    why: 'arctun up (pid 1234) is in kernel mode, in which the system sends pings',
    next,
  });
});

it.each([
  [['192.0.2.53'], ['192.0.2.53']],
  [undefined, ['100.127.0.53']],
])('uses the name servers %j of the running up', async (nameServers, expected) => {
  hold(UP);
  answer({ ...REPORT, nameServers });
  expect(await open()).toMatchObject({ nameServers: expected });
});

it('waits for the first handshake of the running up', async () => {
  hold(UP);
  answer({ ...REPORT, ...CONNECTING });
  const opening = open();
  await world.advance(1_000);
  answer(REPORT);
  await world.advance(500);
  expect(await opening).toMatchObject({ via: 'shared' });
});

it('reports why the running up has no handshake after --wait', async () => {
  hold(UP);
  answer({ ...REPORT, ...CONNECTING });
  const opening = open({ wait: 2_000 });
  await world.advance(3_000);
  expect(await opening).toMatchObject({
    kind: 'tunnel',
    reason: 'no-answer',
    what: 'no handshake with the Arc server',
    why: '192.0.2.1:11010 has not answered 3 handshake initiations',
  });
});

it('does not wait for a tunnel that had a handshake', async () => {
  hold(UP);
  answer({ ...REPORT, health: 'stale' });
  expect(await open()).toMatchObject({ via: 'shared' });
});

it('stops waiting when it is stopped', async () => {
  hold(UP);
  answer({ ...REPORT, ...CONNECTING });
  const opening = open();
  await world.advance(300);
  const reason = new Error('stop');
  stop.abort(reason);
  await expect(opening).rejects.toBe(reason);
});

it('does not use the socket of another user', async () => {
  hold(UP);
  answer(REPORT);
  shares.localStreams.check = () => Promise.reject(systemError('check', 'EACCES'));
  expect(await open()).toMatchObject({
    kind: 'tunnel',
    message: 'cannot run the program: arctun up (pid 1234) is already using this SIM',
    next: [
      expect.stringContaining('Send requests to http://127.0.0.1:8888/ instead') as string,
      'Only the user who started that process can use its tunnel (check EACCES): run this command as that user.',
    ],
  });
  expect(shares.connections.asked).toEqual([]);
});

it.each([
  ['{"error":"unknown request"}', 'unknown request'],
  ['{}', 'another version of arctun'],
])('says what to do if the up answers %s', async (line) => {
  hold(UP);
  answer(line);
  expect(await open()).toMatchObject({
    kind: 'tunnel',
    what: 'cannot use the open tunnel',
    why: 'arctun up (pid 1234) is another version of arctun, which cannot share its tunnel',
    next: ['Restart "arctun up", and repeat the command.'],
  });
});

it('says what to do if the up does not answer', async () => {
  hold(UP);
  shares.connections.sockets.set(SOCKET, { code: 'ETIMEDOUT' });
  expect(await open()).toMatchObject({ kind: 'tunnel', what: 'cannot use the open tunnel' });
});

describe('an up that stops', () => {
  const gone = () => Promise.reject(systemError('lstat', 'ENOENT'));

  it.each<[string, () => void]>([
    ['has removed its socket', () => (shares.localStreams.check = gone)],
    [
      'has closed a connection',
      () => shares.connections.sockets.set(SOCKET, { code: 'ECONNRESET' }),
    ],
    [
      'has closed its socket',
      () => shares.connections.sockets.set(SOCKET, { code: 'ECONNREFUSED' }),
    ],
  ])('is replaced by an own tunnel when it frees the SIM, after it %s', async (_name, stopIt) => {
    hold(UP);
    answer(REPORT);
    stopIt();
    const opening = open({ config: world.config() });
    await world.advance(6_000);
    expect(world.log.messages('info')).toEqual(['waiting until the SIM is free']);
    claims.holders.clear();
    await world.advance(1_000);
    const access = (await opening) as TunnelAccess;
    expect(access).toMatchObject({ via: 'own' });
    expect(claims.holders.size).toBe(1);
    await access.close();
  });

  it('is replaced by the next up', async () => {
    hold(UP);
    shares.localStreams.check = gone;
    const opening = open();
    await world.advance(1_000);
    hold({ ...UP, pid: 1235 });
    answer(REPORT);
    shares.localStreams.check = () => Promise.resolve();
    await world.advance(1_000);
    expect(await opening).toMatchObject({ via: 'shared' });
  });

  it('ends the wait after 30 s, and is named', async () => {
    hold(UP);
    let looks = 0;
    shares.localStreams.check = () => {
      looks++;
      return gone();
    };
    const opening = open({ command: 'send' });
    await world.advance(31_000);
    expect(looks).toBeLessThan(200);
    expect(await opening).toMatchObject({
      kind: 'tunnel',
      what: 'cannot send',
      why: `arctun up (pid 1234) is using this SIM, but does not accept commands at ${SOCKET}`,
      next: [
        'Nothing was sent.',
        'Stop that process with "kill 1234", and repeat the command after it has ended.',
      ],
    });
  });

  it('does not delay a stop of the command', async () => {
    hold(UP);
    shares.localStreams.check = gone;
    const opening = open();
    await world.advance(1_000);
    const reason = new Error('stop');
    stop.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  it('is named if it stops before a connection is opened', async () => {
    hold(UP);
    answer(REPORT);
    const { dialer } = (await open()) as TunnelAccess;
    await expect(dialer.dial({ host: '192.0.2.9', port: 80 })).rejects.toMatchObject({
      name: 'DialError',
      reason: 'not-ready',
      message: 'arctun up (pid 1234), which owns the tunnel, has stopped',
      cause: { next: ['Start "arctun up" again, and repeat the command.'] },
    });
  });
});
