import { type ShownStatus, showStatus, verdictOf } from '../../../src/app/status/show-status.js';
import { CommandError } from '../../../src/ports/command-runner.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { CONNECTING, REPORT } from '../../support/fakes/status-report.js';
import { FakeCommands } from '../fake-commands.js';
import { failureOf } from '../failure-of.js';

const FOLDER = '/run/arctun';

function setUp() {
  const connections = new FakeConnections();
  const commands = new FakeCommands();
  commands.ends.set('wg', new CommandError('not-found', 'wg: the program was not found'));
  const ports = { connections, commands, platform: 'linux', publicKeyOf: (key: Uint8Array) => key };
  const show = (all = false) => showStatus({ folders: [FOLDER], all }, ports);
  const run = (name: string, changes: object = {}) =>
    connections.sockets.set(
      `${FOLDER}/${name}.sock`,
      `${JSON.stringify({ status: { ...REPORT, name, ...changes } })}\n`,
    );
  return { connections, commands, show, run };
}

it('shows only arctun’s tunnels, unless all are requested', async () => {
  const { connections, commands, show, run } = setUp();
  run('soratun0', { mode: 'tun', interface: 'soratun0' });
  connections.sockets.set('/var/run/wireguard/soratun0.sock', 'errno=0\n\n');
  connections.sockets.set('/var/run/wireguard/wg0.sock', 'errno=0\n\n');
  const names = ({ tunnels, devices }: ShownStatus) =>
    [tunnels, devices].map((found) => found.map(({ name }) => name));
  expect(names(await show())).toEqual([['soratun0'], []]);
  expect(commands.lines).toEqual([]);
  expect(names(await show(true))).toEqual([['soratun0'], ['wg0']]);
});

it('shows a userspace tunnel once if wg lists it as well', async () => {
  const { connections, show, run } = setUp();
  run('soratun0-7', { uapiName: 'soratun0' });
  connections.sockets.set('/var/run/wireguard/soratun0.sock', 'errno=0\n\n');
  expect((await show(true)).devices).toEqual([]);
});

it('queries a device that has the name of a userspace tunnel', async () => {
  const { connections, show, run } = setUp();
  run('soratun0');
  connections.sockets.set('/var/run/wireguard/soratun0.sock', 'errno=0\n\n');
  expect((await show(true)).devices.map(({ name }) => name)).toEqual(['soratun0']);
});

it('notes what could not be queried', async () => {
  const { connections, commands, show, run } = setUp();
  run('a');
  connections.sockets.set(`${FOLDER}/b.sock`, { code: 'ETIMEDOUT' });
  commands.ends.set('wg', { stderr: 'not permitted\n' });
  expect((await show(true)).notes).toEqual([
    'cannot query /run/arctun/b.sock: connect ETIMEDOUT',
    'wg: not permitted',
  ]);
});

it('fails if all tunnels belong to other users', async () => {
  const { connections, show, run } = setUp();
  connections.sockets.set(`${FOLDER}/b.sock`, { code: 'EACCES' });
  expect(await failureOf(show())).toMatchObject({
    kind: 'permission',
    message:
      'cannot query /run/arctun/b.sock: permission denied: the socket is owned by another user',
  });
  run('a');
  await expect(show()).resolves.toMatchObject({ notes: [expect.stringContaining('another user')] });
});

it('does not fail because of other users’ tunnels if one hangs', async () => {
  const { connections, show } = setUp();
  connections.sockets.set(`${FOLDER}/a.sock`, { code: 'EACCES' });
  connections.sockets.set(`${FOLDER}/b.sock`, { code: 'ETIMEDOUT' });
  expect(verdictOf(await show())).toBe('unhealthy');
});

describe('the result is', () => {
  const nothing: ShownStatus = { tunnels: [], silent: [], devices: [], notes: [] };
  const silent = { name: 'a', path: '/a', why: 'it hangs', isDenied: false };
  const device = {
    name: 'wg0',
    type: 'userspace',
    publicKey: '',
    listenPort: 0,
    fwmark: 0,
    peers: [],
  };

  it.each([
    ['none', 'nothing', {}],
    ['healthy', 'one that is up', { tunnels: [REPORT] }],
    ['healthy', 'only a device of others', { devices: [device] }],
    [
      'healthy',
      "another user's next to ours",
      { tunnels: [REPORT], silent: [{ ...silent, isDenied: true }] },
    ],
    ['unhealthy', 'one that connects', { tunnels: [REPORT, { ...REPORT, ...CONNECTING }] }],
    ['unhealthy', 'one that is stale', { tunnels: [{ ...REPORT, health: 'stale' as const }] }],
    ['unhealthy', 'one that does not answer', { tunnels: [REPORT], silent: [silent] }],
  ] as const)('%s with %s', (verdict, _, shown) => {
    expect(verdictOf({ ...nothing, ...shown })).toBe(verdict);
  });
});

it('is unhealthy because of a SIM of several that is not open, and adds no note', async () => {
  const { connections, show, run } = setUp();
  run('a', { isOfFleet: true });
  const closed = { name: 'b', simId: '', pid: 4711 };
  const answer = JSON.stringify({ error: 'why', closed });
  connections.sockets.set(`${FOLDER}/b.sock`, `${answer}\n`);
  const shown = await show();
  expect(shown.notes).toEqual([]);
  expect(verdictOf(shown)).toBe('unhealthy');
});

it('shows only the tunnel with the given name', async () => {
  const { connections, commands, run } = setUp();
  run('a');
  run('b');
  const ports = { connections, commands, platform: 'linux', publicKeyOf: (key: Uint8Array) => key };
  const { tunnels } = await showStatus({ folders: [FOLDER], all: false, name: 'b' }, ports);
  expect(tunnels.map(({ name }) => name)).toEqual(['b']);
});
