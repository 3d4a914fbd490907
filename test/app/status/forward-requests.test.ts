/** Requests about forwards, from the command's side to the forwards of a fake tunnel. */
import { ControlSession } from '../../../src/app/status/control-session.js';
import { forwardHandlers, requestForwards } from '../../../src/app/status/forward-requests.js';
import { selectTunnel } from '../../../src/app/status/show-status.js';
import { PortForwards } from '../../../src/proxy/port-forward/port-forwards.js';
import { FakeInnerNetwork } from '../../proxy/port-forward/fake-inner-network.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { REPORT } from '../../support/fakes/status-report.js';

const PATH = '/run/arctun/soratun0.sock';

let forwards: PortForwards | undefined;
let connections: FakeConnections;

beforeEach(() => {
  const log = new RecordingLog();
  forwards = new PortForwards({ network: Promise.resolve(new FakeInnerNetwork()), log });
  connections = new FakeConnections();
});
afterEach(() => forwards?.close({ graceMs: 0 }));

/** Sends a request to a session with the handlers. */
function request(value: { request: string } & Record<string, unknown>) {
  const session = new ControlSession(forwardHandlers(() => forwards));
  const ask = (_path: string, text: string) => session.handle(text);
  return requestForwards(PATH, value, Object.assign(connections, { ask }));
}

it('adds, lists and removes forwards', async () => {
  const both = { local: ['0:web.test:80'], remote: ['2222:22'], allowOpen: false };
  const added = await request({ request: 'forward-add', ...both });
  expect(added).toMatchObject([
    { kind: 'local', listen: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string },
    { kind: 'remote', listen: '2222', target: '127.0.0.1:22', connections: 0 },
  ]);
  expect(await request({ request: 'forward-list' })).toEqual(added);
  const removed = await request({ request: 'forward-remove', local: [], remote: ['2222'] });
  expect(removed).toEqual(added.slice(1));
  expect(await request({ request: 'forward-list' })).toEqual(added.slice(0, 1));
});

it.each([
  [{ request: 'forward-add', local: ['80'] }, 'usage', 'cannot use --local-forward=80'],
  [{ request: 'forward-add', local: ['0.0.0.0:0:a:1'] }, 'usage', 'cannot listen on 0.0.0.0'],
  [{ request: 'forward-add', remote: ['1:1', '1:2'] }, 'failed', 'cannot forward 1 to 127.0.0.1:2'],
  [{ request: 'forward-remove', remote: ['1'] }, 'usage', 'cannot remove --remote-forward 1'],
  [{ request: 'forward-turn' }, 'failed', 'another version of arctun'],
])('fails with the kind and advice of the running up: %j', async (value, kind, text) => {
  const failure = request(value);
  await expect(failure).rejects.toMatchObject({
    kind,
    next: expect.arrayContaining([expect.any(String)]) as string[],
  });
  await expect(failure).rejects.toThrow(text);
});

it('listens for other machines only if the request allows it', async () => {
  const open = { request: 'forward-add', local: ['0.0.0.0:0:a:1'] };
  await expect(request({ ...open, allowOpen: 'true' })).rejects.toThrow(
    'this is not a loopback address',
  );
  expect(await request({ ...open, allowOpen: true })).toHaveLength(1);
});

it('ignores members of another type', async () => {
  expect(await request({ request: 'forward-add', local: 'a', remote: [1, null] })).toEqual([]);
});

it('explains that other modes have no forwards', async () => {
  forwards = undefined;
  await expect(request({ request: 'forward-list' })).rejects.toMatchObject({
    kind: 'failed',
    next: ['To use forwards, restart the tunnel with --mode userspace.'],
  });
});

it.each(['{}', '{"forwards":[{}]}', '{"fault":{}}', 'x'])('refuses the answer %s', async (text) => {
  connections.sockets.set(PATH, `${text}\n`);
  const failure = requestForwards(PATH, { request: 'forward-list' }, connections);
  await expect(failure).rejects.toThrow('another version of arctun');
});

it('shows the reason why the process cannot answer', async () => {
  connections.sockets.set(PATH, '{"error":"it hangs"}\n');
  const failure = requestForwards(PATH, { request: 'forward-list' }, connections);
  await expect(failure).rejects.toThrow('it hangs');
});

describe('selectTunnel', () => {
  const folders = ['/run/arctun', '/run/user/1'];
  const answer = (name: string) => `${JSON.stringify({ status: { ...REPORT, name } })}\n`;

  it('returns the only tunnel, or the one with the name', async () => {
    connections.sockets.set('/run/user/1/a.sock', answer('a'));
    connections.sockets.set('/run/arctun/dead.sock', { code: 'ECONNREFUSED' });
    expect(await selectTunnel({ folders }, connections)).toBe('/run/user/1/a.sock');
    connections.sockets.set('/run/arctun/b.sock', answer('b'));
    await expect(selectTunnel({ folders }, connections)).rejects.toMatchObject({
      kind: 'usage',
      why: 'several tunnels are running: a, b',
      next: ['Choose one with --interface.'],
    });
    expect(await selectTunnel({ folders, name: 'b' }, connections)).toBe('/run/arctun/b.sock');
  });

  it('does not choose a socket of the same name that does not answer', async () => {
    connections.sockets.set('/run/arctun/a.sock', { code: 'EACCES' });
    connections.sockets.set('/run/user/1/a.sock', answer('a'));
    expect(await selectTunnel({ folders }, connections)).toBe('/run/user/1/a.sock');
  });

  it('explains why no tunnel can be selected', async () => {
    await expect(selectTunnel({ folders }, connections)).rejects.toMatchObject({
      kind: 'failed',
      why: 'no "arctun up" is running for this user',
    });
    await expect(selectTunnel({ folders, name: 'x' }, connections)).rejects.toThrow(
      'no "arctun up" named x is running',
    );
    connections.sockets.set('/run/arctun/a.sock', { code: 'ETIMEDOUT' });
    await expect(selectTunnel({ folders }, connections)).rejects.toThrow(
      'cannot query /run/arctun/a.sock',
    );
    connections.sockets.set('/run/arctun/a.sock', { code: 'EACCES' });
    await expect(selectTunnel({ folders }, connections)).rejects.toMatchObject({
      kind: 'permission',
    });
  });
});
