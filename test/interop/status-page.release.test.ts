/** The status page in Chromium, and the figures of the traffic, with wireguard-go as the server. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ARCTUN, type TestProcess } from '../support/processes.js';
import { DevTools, type DevToolsPage } from '../support/foreign/devtools.js';
import {
  inSpace,
  LISTEN_PORT,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { describeWith } from '../support/runner/requirements.js';

const PEERS = [
  ...(['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool', 'chromium'] as const),
] as const;

/** Keep the screenshots, to look at them, if this variable names a folder. */
const SCREENSHOTS = process.env.ARCTUN_TEST_SCREENSHOTS;

const LOOKS = [
  { width: 360, height: 800, scheme: 'light' },
  { width: 360, height: 800, scheme: 'dark' },
  { width: 1440, height: 900, scheme: 'light' },
  { width: 1440, height: 900, scheme: 'dark' },
] as const;

const HEADLINE = `document.getElementById('headline').textContent`;

describeWith(PEERS, 'the status page', () => {
  let server: WireGuardGoServer;
  let browser: DevTools;
  let state: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    state = join(server.folder, 'state');
    browser = new DevTools(inSpace(server.clientSpace));
    count(server.clientSpace);
    await server.startWireGuard();
    await server.startHttp();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** Starts `up`, and returns the URL of its status pages. */
  async function start(port = '0'): Promise<{ up: TestProcess; url: string }> {
    const words = ['--mode', 'userspace', '--wait', '0', '--log-level', 'info'];
    const ports = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
    const more = ['--status-listen', `127.0.0.1:${port}`, '-L', `127.0.0.1:0:${SERVICE}:80`];
    const up = arctun('up', ...words, ...ports, ...more, '--dns-listen', '127.0.0.1:0');
    const [, url = ''] = await up.output(/status pages listening url=(\S+)/, 'stderr');
    return { up, url };
  }

  function arctun(...words: readonly string[]): TestProcess {
    const environment = ['env', `XDG_STATE_HOME=${state}`];
    const command = [...inSpace(server.clientSpace), ...environment, process.execPath, ARCTUN];
    return server.processes.start([...command, ...words, '--config', server.configPath]);
  }

  async function shown(page: DevToolsPage, name: string): Promise<void> {
    if (SCREENSHOTS === undefined) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot(join(SCREENSHOTS, `${name}.png`));
  }

  it('shows a live tunnel, a silent one and none, and counts what the kernel counts', async () => {
    server.signalWireGuard('SIGSTOP');
    const first = await start();
    const pages: DevToolsPage[] = [];
    for (const look of LOOKS) pages.push(await browser.open(first.url, look));
    const each = async (what: string, action: (page: DevToolsPage) => Promise<void>) => {
      for (const [index, page] of pages.entries()) {
        await action(page);
        await shown(page, `${what}-${LOOKS[index]!.width}-${LOOKS[index]!.scheme}`);
      }
    };
    // No answer yet.
    await each('connecting', async (page) => {
      await page.until(`${HEADLINE} === 'The tunnel is connecting'`);
      await page.until(`document.getElementById('reason').textContent.includes('not answered')`);
    });
    server.signalWireGuard('SIGCONT');
    await first.up.output(/SOCKS5 and HTTP proxy on (\S+)/);
    const [, proxy = ''] = await first.up.output(/SOCKS5 and HTTP proxy on (\S+)/);
    const url = `http://${SERVICE}/bytes/2000000`;
    const curl = server.curl('--limit-rate', '20k', '--proxy', `socks5h://${proxy}`, url);
    await each('live', async (page) => {
      await page.until(`${HEADLINE} === 'The tunnel is up'`);
      const row = `document.querySelector('#connections tr')?.textContent ?? ''`;
      await page.until(`(${row}).includes('proxy${SERVICE}:80')`);
      await page.until(`document.getElementById('plot-received').getAttribute('d').includes('L')`);
      await fits(page);
      await operable(page);
    });
    curl.kill('SIGKILL');
    server.signalWireGuard('SIGSTOP');
    const [, forward = ''] = await first.up.output(/up; (\S+) forwards/);
    const lost = server.curl(forward, '--data', '{}');
    await each('silent', async (page) => {
      await page.until(`${HEADLINE} === 'The tunnel is silent'`);
      await fits(page);
    });
    lost.kill('SIGKILL');
    // The same sentence as in `arctun status`.
    const reason = await pages[0]!.evaluate(`document.getElementById('reason').textContent`);
    expect(reason).toMatch(/^192\.0\.2\.1:11010 has not answered/);
    first.up.kill('SIGTERM');
    await first.up.finished;
    await each('none', async (page) => {
      await page.until(`${HEADLINE} === 'The connection to arctun is lost'`);
      await page.until(`!document.getElementById('lost').hidden`);
      await fits(page);
    });
    // Lost connections are reported by the browser itself.
    for (const page of pages) {
      expect(page.errors.filter((text) => !text.includes('ERR_'))).toEqual([]);
      const origins = new Set(page.requests.map((request) => new URL(request).origin));
      expect([...origins]).toEqual([new URL(first.url).origin]);
    }
    expectCounted(state, server.clientSpace);
    // The stopped server would answer a process that has ended.
    await server.killWireGuard();
    await server.startWireGuard();
    // Further processes add to the same counts.
    const send = arctun('send', 'hello', '--wait', '20');
    expect(await send.finished).toMatchObject({ code: 0 });
    expectCounted(state, server.clientSpace, LATE);
    const second = await start(new URL(first.url).port);
    await pages[0]!.until(`${HEADLINE} === 'The tunnel is up'`);
    await pages[0]!.until(`document.getElementById('lost').hidden`);
    second.up.kill('SIGTERM');
    expect(await second.up.finished).toMatchObject({ code: 0 });
    expectCounted(state, server.clientSpace, LATE);
  }, 180_000);
});

/** Nothing scrolls sideways except a table in its own box. */
async function fits(page: DevToolsPage): Promise<void> {
  expect(await page.evaluate(`document.documentElement.scrollWidth <= innerWidth`)).toBe(true);
}

/** Tab reaches the button and each table, in the order of the page; Enter works. */
async function operable(page: DevToolsPage): Promise<void> {
  const focused = `document.activeElement.id`;
  const order: unknown[] = [];
  for (let index = 0; index < 5; index++) {
    await page.press('Tab');
    order.push(await page.evaluate(focused));
    const outline = await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`);
    expect(outline).toBe('solid');
  }
  expect(order).toEqual([
    'pause',
    'traffic-box',
    'connections-box',
    'forwards-box',
    'listeners-box',
  ]);
  await page.evaluate(`document.getElementById('pause').focus()`);
  for (const label of ['Resume updates', 'Pause updates']) {
    await page.press('Enter');
    await page.until(`document.getElementById('pause').textContent === '${label}'`);
  }
}

/** Lets the kernel count the datagrams outside the tunnel. */
function count(space: string): void {
  const nft = (...words: string[]) => execFileSync('ip', ['netns', 'exec', space, 'nft', ...words]);
  nft('add table inet outer');
  for (const [hook, side] of [
    ['input', 'sport'],
    ['output', 'dport'],
  ] as const) {
    nft(`add chain inet outer ${hook} { type filter hook ${hook} priority 0; }`);
    nft(`add rule inet outer ${hook} udp ${side} ${LISTEN_PORT} counter`);
  }
}

/**
 * The server may answer the last segments of a tunnel that has just closed. The kernel counts these
 * datagrams, in bytes at most:
 */
const LATE = 1_000;

/**
 * Compares the stored bytes of this month with the kernel's, which are those of IP packets.
 *
 * @param late how many bytes may have arrived after the tunnel was closed
 */
function expectCounted(state: string, space: string, late = 0): void {
  const list = ['netns', 'exec', space, 'nft', 'list', 'table', 'inet', 'outer'];
  const listing = execFileSync('ip', list, { encoding: 'utf8' });
  const [received = NaN, sent] = [...listing.matchAll(/bytes (\d+)/g)].map(([, bytes]) =>
    Number(bytes),
  );
  const path = join(state, 'arctun/traffic/8942000000000000001.json');
  expect(existsSync(path)).toBe(true);
  const { days } = JSON.parse(readFileSync(path, 'utf8')) as {
    days: Record<string, { sentBytes: number; receivedBytes: number }>;
  };
  const sum = (name: 'sentBytes' | 'receivedBytes') =>
    Object.values(days).reduce((total, day) => total + day[name], 0);
  expect(sum('sentBytes')).toBe(sent);
  expect(sum('receivedBytes')).toBeLessThanOrEqual(received);
  expect(sum('receivedBytes')).toBeGreaterThanOrEqual(received - late);
}
