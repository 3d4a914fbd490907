import { findTunnels } from '../../../src/app/status/find-tunnels.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { REPORT } from '../../support/fakes/status-report.js';

const FOLDERS = ['/run/arctun', '/state/run'];

function answerOf(name: string): string {
  return `${JSON.stringify({ status: { ...REPORT, name } })}\n`;
}

it('finds no tunnels in empty folders', async () => {
  const connections = new FakeConnections();
  await expect(findTunnels({ folders: FOLDERS }, connections)).resolves.toEqual({
    reports: [],
    sockets: new Map(),
    silent: [],
  });
});

it('returns the tunnels of all folders, by name', async () => {
  const connections = new FakeConnections();
  connections.sockets.set('/run/arctun/c.sock', answerOf('c'));
  connections.sockets.set('/run/arctun/a.sock', answerOf('a'));
  connections.sockets.set('/state/run/b.sock', answerOf('b'));
  connections.sockets.set('/elsewhere/d.sock', answerOf('d'));
  const { reports, sockets } = await findTunnels({ folders: FOLDERS }, connections);
  expect(reports.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(sockets.get(reports[1]!)).toBe('/state/run/b.sock');
  expect(connections.asked[0]).toEqual(['/run/arctun/a.sock', '{"request":"status"}\n']);
});

it('queries only the requested one', async () => {
  const connections = new FakeConnections();
  connections.sockets.set('/run/arctun/a.sock', answerOf('a'));
  connections.sockets.set('/run/arctun/aa.sock', answerOf('aa'));
  const { reports } = await findTunnels({ folders: FOLDERS, name: 'a' }, connections);
  expect(reports.map(({ name }) => name)).toEqual(['a']);
  expect(connections.asked).toHaveLength(1);
});

it('skips an abandoned socket, and names sockets that do not answer', async () => {
  const connections = new FakeConnections();
  connections.sockets.set('/run/arctun/dead.sock', { code: 'ECONNREFUSED' });
  connections.sockets.set('/run/arctun/gone.sock', { code: 'ENOENT' });
  connections.sockets.set('/run/arctun/theirs.sock', { code: 'EACCES' });
  connections.sockets.set('/run/arctun/slow.sock', { code: 'ETIMEDOUT' });
  connections.sockets.set('/run/arctun/hung.sock', '{"error":"the data path has hung"}\n');
  connections.sockets.set('/state/run/other.sock', '{"status":{}}\n');
  const { reports, silent } = await findTunnels({ folders: FOLDERS }, connections);
  expect(reports).toEqual([]);
  expect(silent).toEqual([
    silence('hung', 'the data path has hung'),
    {
      ...silence('other', 'the process is running another version of arctun'),
      path: '/state/run/other.sock',
    },
    silence('slow', 'connect ETIMEDOUT'),
    {
      ...silence('theirs', 'permission denied: the socket is owned by another user'),
      isDenied: true,
      owner: undefined,
    },
  ]);
});

function silence(name: string, why: string) {
  return { name, path: `/run/arctun/${name}.sock`, why, isDenied: false };
}

it('names a SIM of several whose tunnel is not open', async () => {
  const connections = new FakeConnections();
  const closed = { name: 'bad', simId: '', pid: 4711 };
  const answer = JSON.stringify({ error: 'cannot use bad.json', closed });
  connections.sockets.set('/run/arctun/bad.sock', `${answer}\n`);
  const { silent } = await findTunnels({ folders: FOLDERS }, connections);
  expect(silent).toEqual([{ ...silence('bad', 'cannot use bad.json'), closed }]);
});
