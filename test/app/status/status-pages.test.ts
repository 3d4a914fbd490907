import { statusPages, type StatusSource } from '../../../src/app/status/status-pages.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { CONNECTING, TUNNEL_STATUS } from '../../support/fakes/status-report.js';

const HANGS: StatusSource = { status: () => new Promise(() => undefined) };
const withStatus = (status: TunnelStatus): StatusSource => ({
  status: () => Promise.resolve(status),
});

function setUp(tunnel: StatusSource | undefined) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const pages = statusPages({
    tunnel: () => tunnel,
    counters: () => ({ forward: { requests: 5, failures: 2, active: 1 } }),
    version: '0.1.0',
    clock,
    signal: controller.signal,
  });
  const ask = async (path: string) => {
    const { status, body } = await pages.get(path)!();
    return [status, body] as const;
  };
  return { ask, clock, pages, stop: () => controller.abort() };
}

it.each([
  ['up', TUNNEL_STATUS, 200, 'up\n'],
  [
    'connecting',
    { ...TUNNEL_STATUS, ...CONNECTING },
    503,
    'connecting: 192.0.2.1:11010 has not answered 3 handshake initiations\n',
  ],
  ['stale', { ...TUNNEL_STATUS, health: 'stale' as const }, 503, 'stale\n'],
])('reports a tunnel that is %s', async (_, status, code, text) => {
  const { ask } = setUp(withStatus(status));
  await expect(ask('/readyz')).resolves.toEqual([code, text]);
  await expect(ask('/livez')).resolves.toEqual([200, 'alive\n']);
});

it('reports a tunnel that is not open yet as alive, but not ready', async () => {
  const { ask } = setUp(undefined);
  await expect(ask('/livez')).resolves.toEqual([200, 'opening\n']);
  await expect(ask('/readyz')).resolves.toEqual([503, 'opening\n']);
  expect((await ask('/metrics'))[1]).toContain('arctun_up 0\n');
});

it('reports a tunnel that is about to close as alive, but not ready', async () => {
  const { ask, stop } = setUp(withStatus(TUNNEL_STATUS));
  stop();
  await expect(ask('/livez')).resolves.toEqual([200, 'alive\n']);
  await expect(ask('/readyz')).resolves.toEqual([503, 'stopping\n']);
});

it.each(['/livez', '/readyz'])('%s fails after 5 s if the data path hangs', async (path) => {
  const { ask, clock } = setUp(HANGS);
  const answer = ask(path);
  clock.advance(5_000);
  await expect(answer).resolves.toEqual([503, 'the data path did not answer within 5 s\n']);
});

it('has counters even if the data path hangs', async () => {
  const metrics = await setUp(withStatus(TUNNEL_STATUS)).pages.get('/metrics')!();
  expect(metrics.status).toBe(200);
  expect(metrics.contentType).toContain('0.0.4');
  expect(metrics.body).toContain('arctun_up 1\n');
  expect(metrics.body).toContain('arctun_proxy_requests_total{listener="forward"} 5\n');
  const { ask, clock } = setUp(HANGS);
  const answer = ask('/metrics');
  clock.advance(5_000);
  const [status, body] = await answer;
  expect(status).toBe(200);
  expect(body).toContain('arctun_up 0\n');
});
