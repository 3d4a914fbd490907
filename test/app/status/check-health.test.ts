import { checkHealth } from '../../../src/app/status/check-health.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { CONNECTING, REPORT } from '../../support/fakes/status-report.js';
import { failureOf } from '../failure-of.js';

const FOLDER = '/run/arctun';

function setUp() {
  const connections = new FakeConnections();
  const check = (name?: string) => checkHealth({ folders: [FOLDER], name }, connections);
  const run = (name: string, changes: object = {}) =>
    connections.sockets.set(
      `${FOLDER}/${name}.sock`,
      `${JSON.stringify({ status: { ...REPORT, name, ...changes } })}\n`,
    );
  return { connections, check, run };
}

it('is the health of the only tunnel', async () => {
  const { check, run } = setUp();
  run('a');
  await expect(check()).resolves.toEqual({
    health: 'up',
    name: 'a',
    why: undefined,
    hasRival: false,
  });
  run('a', CONNECTING);
  await expect(check()).resolves.toEqual({
    health: 'connecting',
    name: 'a',
    why: '192.0.2.1:11010 has not answered 3 handshake initiations',
    hasRival: false,
  });
});

it('has the state "none" without a tunnel, or without one of that name', async () => {
  const { check, run } = setUp();
  const why = 'no "arctun up" is running';
  const none = { health: 'none', hasRival: false };
  await expect(check()).resolves.toEqual({ ...none, name: undefined, why });
  await expect(check('b')).resolves.toEqual({ ...none, name: 'b', why });
  run('a');
  await expect(check('b')).resolves.toEqual({
    ...none,
    name: 'b',
    why: 'no "arctun up" with this name is running; other names: a',
  });
});

it('is up even with a rival, which is reported', async () => {
  const { check, run } = setUp();
  run('a', { rival: { why: 'the session was taken over 3 times', lastSeenUnix: 1 } });
  await expect(check()).resolves.toEqual({
    health: 'up',
    name: 'a',
    why: 'another tunnel is using this virtual SIM: the session was taken over 3 times',
    hasRival: true,
  });
});

it('has the state "silent" if the process does not answer', async () => {
  const { connections, check } = setUp();
  connections.sockets.set(`${FOLDER}/a.sock`, { code: 'ETIMEDOUT' });
  await expect(check()).resolves.toEqual({
    health: 'silent',
    name: 'a',
    why: 'connect ETIMEDOUT',
    hasRival: false,
  });
});

it('requires a name if there are several', async () => {
  const { connections, check, run } = setUp();
  run('a');
  connections.sockets.set(`${FOLDER}/b.sock`, { code: 'ETIMEDOUT' });
  expect(await failureOf(check())).toMatchObject({
    kind: 'usage',
    message: 'cannot select a tunnel: several tunnels are running: a, b',
    next: ['Choose one with --interface.'],
  });
  await expect(check('a')).resolves.toMatchObject({ health: 'up' });
});

describe('of several SIMs in one process', () => {
  const fleet = { isOfFleet: true, pid: 4711 };
  const closed = (name: string, pid = 4711) =>
    `${JSON.stringify({ error: 'no file', closed: { name, simId: '', pid } })}\n`;

  it('is up if at least one tunnel is up', async () => {
    const { connections, check, run } = setUp();
    run('a', fleet);
    run('b', { ...fleet, ...CONNECTING });
    connections.sockets.set(`${FOLDER}/c.sock`, closed('c'));
    await expect(check()).resolves.toEqual({
      health: 'up',
      name: undefined,
      why: '1 of 3 tunnels are up',
      hasRival: false,
    });
    await expect(check('b')).resolves.toMatchObject({ health: 'connecting', name: 'b' });
    await expect(check('c')).resolves.toEqual({
      ...{ health: 'closed', name: 'c', why: 'no file', hasRival: false },
    });
  });

  it('is not up if no tunnel is up, and reports a rival of any SIM', async () => {
    const { connections, check, run } = setUp();
    const rival = { why: 'the session was taken over 3 times', lastSeenUnix: 1 };
    run('a', { ...fleet, health: 'stale', rival });
    connections.sockets.set(`${FOLDER}/b.sock`, closed('b'));
    await expect(check()).resolves.toEqual({
      health: 'closed',
      name: undefined,
      why: '0 of 2 tunnels are up',
      hasRival: true,
    });
    run('b', { ...fleet, ...CONNECTING });
    await expect(check()).resolves.toMatchObject({ health: 'connecting' });
  });

  it.each([
    ['with another process', { isOfFleet: true, pid: 4712 }],
    ['with a tunnel of its own', { pid: 4711 }],
  ])('requires a name %s', async (_, other) => {
    const { check, run } = setUp();
    run('a', fleet);
    run('b', other);
    expect(await failureOf(check())).toMatchObject({ kind: 'usage' });
  });

  it('requires a name if a socket does not answer', async () => {
    const { connections, check, run } = setUp();
    run('a', fleet);
    connections.sockets.set(`${FOLDER}/b.sock`, { code: 'ETIMEDOUT' });
    expect(await failureOf(check())).toMatchObject({ kind: 'usage' });
  });
});

it('ignores tunnels of other users, and reports if no others exist', async () => {
  const { connections, check, run } = setUp();
  connections.sockets.set(`${FOLDER}/b.sock`, { code: 'EACCES' });
  expect(await failureOf(check())).toMatchObject({ kind: 'permission' });
  run('a');
  await expect(check()).resolves.toMatchObject({ name: 'a' });
});
