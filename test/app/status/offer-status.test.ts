/** Over real sockets. */
import { readdirSync } from 'node:fs';

import { findTunnels } from '../../../src/app/status/find-tunnels.js';
import { localConnections } from '../../../src/system/network/local-connection.js';
import { OfferedStatus } from '../../support/fakes/offered-status.js';
import { REPORT } from '../../support/fakes/status-report.js';

const LISTEN = { host: '127.0.0.1', port: 0 };

let tunnel: OfferedStatus;
beforeEach(() => {
  tunnel = new OfferedStatus();
});
afterEach(() => tunnel.close());

const find = () => findTunnels({ folders: [tunnel.folder] }, localConnections);

/** Serialized as on a socket. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

it('answers at the control socket, until it is closed', async () => {
  const offer = await tunnel.open();
  expect(offer.url).toBeUndefined();
  await expect(find()).resolves.toMatchObject({ reports: [sent(REPORT)], silent: [] });
  await offer.close();
  expect(readdirSync(tunnel.folder)).toEqual([]);
});

it('has a different name than another tunnel’s socket', async () => {
  await tunnel.open();
  await tunnel.open({ pid: 4712 });
  const { reports } = await find();
  expect(reports.map(({ name, pid }) => [name, pid])).toEqual([
    ['soratun0', 4711],
    ['soratun0-4712', 4712],
  ]);
});

it('reports that the tunnel is not open yet, and its listeners once it is', async () => {
  let isOpen = false;
  const offer = await tunnel.open({
    tunnel: () => (isOpen ? { status: () => tunnel.status() } : undefined),
    listeners: () => (isOpen ? { proxy: '127.0.0.1:1081' } : {}),
    statusListen: LISTEN,
  });
  expect((await find()).silent).toMatchObject([{ why: 'the tunnel is not open yet' }]);
  isOpen = true;
  const { reports } = await find();
  expect(reports[0]!.listeners).toEqual({ proxy: '127.0.0.1:1081', status: offer.url });
});

it('reports that the data path hangs before the client gives up', async () => {
  await tunnel.open();
  tunnel.status = () => new Promise(() => undefined);
  expect((await find()).silent).toMatchObject([
    { name: 'soratun0', why: 'the data path did not answer within 2.5 s', isDenied: false },
  ]);
});

it('serves pages if requested, until it is closed', async () => {
  const offer = await tunnel.open({ statusListen: LISTEN });
  expect(tunnel.log.messages('info')).toEqual(['status pages listening']);
  const page = await fetch(`${offer.url}/readyz`);
  expect([page.status, await page.text()]).toEqual([200, 'up\n']);
  const metrics = await (await fetch(`${offer.url}/metrics`)).text();
  expect(metrics).toContain('arctun_build_info{version="0.1.0"} 1\n');
  expect(metrics).toContain('arctun_proxy_failures_total{listener="forward"} 2\n');
  tunnel.stop.abort();
  expect((await fetch(`${offer.url}/readyz`)).status).toBe(503);
  await offer.close();
  await expect(fetch(`${offer.url}/readyz`)).rejects.toThrow('fetch failed');
});

it('leaves no socket if the port of the pages is in use', async () => {
  const { url } = await tunnel.open({ statusListen: LISTEN });
  const port = Number(new URL(url!).port);
  const second = tunnel.open({ interfaceName: 'other', statusListen: { ...LISTEN, port } });
  await expect(second).rejects.toMatchObject({
    what: `cannot listen on 127.0.0.1:${port} (--status-listen)`,
    next: [expect.stringContaining('--status-listen')],
  });
  expect(readdirSync(tunnel.folder)).toEqual(['soratun0.sock']);
});
