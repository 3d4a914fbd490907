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

/** Reads events until one contains the text. */
async function eventWith(url: string, text: string): Promise<string> {
  const stop = new AbortController();
  const response = await fetch(`${url}/events`, { signal: stop.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  let all = '';
  try {
    for await (const part of response.body!) {
      all += Buffer.from(part as Uint8Array).toString();
      if (all.includes(text)) return all;
    }
  } finally {
    stop.abort();
  }
  throw new Error(`no event contains ${text}: ${all}`);
}

it('serves a page for people, which needs nothing from elsewhere', async () => {
  const { url } = await tunnel.open({ statusListen: LISTEN });
  const page = await fetch(`${url}/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'$/,
  );
  const html = await page.text();
  expect(html).toContain('<html lang="en">');
  // No inline script, style or handler, and no other origin.
  expect(html).not.toMatch(/<script>|<style>| style=| on\w+=|https?:/);
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  expect(files.sort()).toEqual(['/icon.svg', '/page.css', '/page.js']);
  for (const path of files) expect((await fetch(`${url}${path}`)).status).toBe(200);
  for (const method of ['HEAD', 'POST']) {
    const answer = await fetch(`${url}/`, { method });
    expect(answer.status).toBe(method === 'HEAD' ? 200 : 405);
  }
});

it('sends the status to the page, with its name and listeners', async () => {
  const { url } = await tunnel.open({
    statusListen: LISTEN,
    connections: () => [
      { opener: 'proxy', target: 'web.test:443', age: 1, sentBytes: 2, receivedBytes: 3 },
    ],
  });
  await tunnel.open({ pid: 4712 });
  const events = await eventWith(url!, 'data: ');
  expect(events).toContain('"name":"soratun0","state":"up"');
  expect(events).toContain(`["Status pages","${url}"]`);
  expect(events).toContain('["proxy","web.test:443","0 s","3 B","2 B"]');
});

it('tells the page why no status is available', async () => {
  const { url } = await tunnel.open({ statusListen: LISTEN, tunnel: () => undefined });
  expect(await eventWith(url!, 'data: ')).toContain('"reason":"the tunnel is not open yet"');
});

it('ends at once although a page listens', async () => {
  const offer = await tunnel.open({ statusListen: LISTEN });
  const response = await fetch(`${offer.url}/events`);
  await offer.close();
  await expect(response.text()).rejects.toThrow('terminated');
});
