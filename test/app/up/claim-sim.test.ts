import { claimOrShare, claimSim, type SimClaim } from '../../../src/app/up/claim-sim.js';
import { simUseLine, type SimUse } from '../../../src/app/up/sim-use.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const KEY = new Uint8Array(32).fill(7);
const NAME = Buffer.from(KEY).toString('hex');
const UP = { command: 'up', pid: 1234, forward: 'http://127.0.0.1:8888' } as const;
const SEND = { command: 'send', pid: 1235 } as const;

let claims: FakeClaims;
let clock: FakeClock;
let log: RecordingLog;
let stop: AbortController;

beforeEach(() => {
  claims = new FakeClaims();
  clock = new FakeClock();
  log = new RecordingLog();
  stop = new AbortController();
});

function claim(command: SimUse['command'], force = false): Promise<SimClaim | UserError> {
  const use = () => ({ command, pid: 4711 });
  const options = { publicKey: KEY, use, force, signal: stop.signal };
  return claimSim(options, { claims, clock, log }).catch((error: unknown) => {
    if (error instanceof UserError) return error;
    throw error;
  });
}

function hold(use: SimUse): void {
  claims.holders.set(NAME, () => simUseLine(use));
}

async function advance(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(100);
  }
  await new Promise((resolve) => setImmediate(resolve));
}

it.each([
  [
    'send',
    UP,
    'cannot send: arctun up (pid 1234) is already using this SIM',
    [
      'Nothing was sent.',
      'Post the message to http://127.0.0.1:8888/ instead, or stop that process with "kill 1234", or add --force (the two tunnels will then keep disconnecting each other).',
      'That process is another version of arctun, or has no control socket. To use its tunnel in this command, restart it.',
    ],
  ],
  [
    'up',
    { command: 'up', pid: 1234, interface: 'soratun0' },
    'cannot open the tunnel: arctun up (pid 1234) is already using this SIM',
    [
      'Send through the existing network interface soratun0 instead, or stop that process with "kill 1234", or add --force (the two tunnels will then keep disconnecting each other).',
    ],
  ],
  [
    'up',
    { command: 'up', pid: 1234 },
    'cannot open the tunnel: arctun up (pid 1234) is already using this SIM',
    [
      'Stop that process with "kill 1234", or add --force (the two tunnels will then keep disconnecting each other).',
    ],
  ],
] as const)('refuses %s at once while %j runs', async (command, holder, message, next) => {
  hold(holder);
  const error = (await claim(command)) as UserError;
  expect(error).toMatchObject({ kind: 'tunnel', message, next });
  expect(log.lines).toEqual([]);
});

it('does not advise to stop this process if it already uses the SIM', async () => {
  hold({ command: 'up', pid: 4711 });
  expect(await claim('up')).toMatchObject({
    message:
      'cannot open the tunnel: another configuration of this process is already using this SIM',
    next: ['Remove one of the two configurations, or create a virtual SIM for it.'],
  });
});

describe('a command that can share a tunnel', () => {
  const SHARING = { ...UP, socket: '/run/user/1000/arctun/soratun0.sock' };

  function claimOrFind(wait = 20_000) {
    const use = () => ({ command: 'exec' as const, pid: 4711 });
    const options = { publicKey: KEY, use, force: false, signal: stop.signal, wait };
    return claimOrShare(options, { claims, clock, log }).catch((error: unknown) => error);
  }

  it('finds the socket of the running up', async () => {
    hold(SHARING);
    expect(await claimOrFind()).toEqual({ use: { ...SHARING, interface: undefined } });
  });

  it('waits for an up that is opening its tunnel', async () => {
    hold({ command: 'up', pid: 1234 });
    const claiming = claimOrFind();
    await advance(19_000);
    hold(SHARING);
    await advance(300);
    expect(await claiming).toMatchObject({ use: { socket: SHARING.socket } });
  });

  it('refuses after an up has been opening its tunnel for longer than --wait', async () => {
    hold({ command: 'up', pid: 1234 });
    const claiming = claimOrFind(2_000);
    await advance(2_200);
    expect(await claiming).toMatchObject({
      what: 'cannot run the program',
      why: 'arctun up (pid 1234) is already using this SIM',
    });
  });

  it('refuses at once if the up has listeners, but no socket', async () => {
    hold(UP);
    expect(await claimOrFind()).toMatchObject({
      next: [
        'Send requests to http://127.0.0.1:8888/ instead, or stop that process with "kill 1234", or add --force (the two tunnels will then keep disconnecting each other).',
        'That process is another version of arctun, or has no control socket. To use its tunnel in this command, restart it.',
      ],
    });
  });
});

it.each(['send', 'up'] as const)('makes %s wait for a send that ends in time', async (command) => {
  hold(SEND);
  const claiming = claim(command);
  await advance(29_000);
  claims.holders.delete(NAME);
  await advance(200);
  expect(await claiming).not.toBeInstanceOf(UserError);
  expect(log.lines).toEqual([
    {
      level: 'info',
      fields: { reason: 'arctun send (pid 1235) is using this SIM' },
      message: 'waiting until the SIM is free',
    },
  ]);
});

it('continues with --force, and warns', async () => {
  hold(UP);
  const held = (await claim('up', true)) as SimClaim;
  await held.close();
  expect(claims.holders.size).toBe(1);
  expect(log.lines).toEqual([
    {
      level: 'warn',
      fields: { reason: 'arctun up (pid 1234) is using this SIM' },
      message: 'the two tunnels that use this SIM will keep disconnecting each other',
    },
  ]);
});

it('stops waiting when it is stopped', async () => {
  hold(SEND);
  const claiming = claim('send');
  await advance(300);
  const reason = new Error('stop');
  stop.abort(reason);
  await expect(claiming).rejects.toBe(reason);
  expect(clock.armed).toBe(0);
});

it('claims the new key of a running tunnel, and warns if that is in use', async () => {
  const other = new Uint8Array(32).fill(8);
  const held = (await claim('up')) as SimClaim;
  await held.follow(KEY);
  expect([...claims.holders.keys()]).toEqual([NAME]);
  await held.follow(other);
  expect([...claims.holders.keys()]).toEqual([Buffer.from(other).toString('hex')]);
  hold(UP);
  await held.follow(KEY);
  expect(log.messages('warn')).toEqual([
    'the two tunnels that use this SIM will keep disconnecting each other',
  ]);
});

it.each([
  'null',
  '{',
  '{"command":"x","pid":1}',
  '{"command":"up","pid":-1}',
  '{"command":"up","pid":"1"}',
])('ignores a holder that sends %s', async (line) => {
  claims.holders.set(NAME, () => line);
  const claiming = claim('send');
  await advance(3_200);
  expect(await claiming).toMatchObject({
    message: 'cannot send: another process is using this SIM',
  });
});
