/** The emulator's page in headless Chromium, with a running `up` as the SIM. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { DevTools, type DevToolsPage } from '../support/foreign/devtools.js';
import { acceptDatagrams } from '../support/foreign/private-network.js';
import { ARCTUN, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const processes = new Processes();
/** Screenshots to look at, if the environment names a folder for them. */
const SCREENSHOTS = process.env.ARCTUN_TEST_SCREENSHOTS;
const LAYOUTS = [
  { width: 360, height: 740, scheme: 'light' },
  { width: 360, height: 740, scheme: 'dark' },
  { width: 1440, height: 900, scheme: 'light' },
  { width: 1440, height: 900, scheme: 'dark' },
] as const;

let folder: string;
let emulator: EmulatorProcess;
let browser: DevTools;
let page: DevToolsPage;
/** The local service that receives downlinks over TCP; it answers in upper case. */
const service = createServer((socket) => {
  socket
    .on('error', () => undefined)
    .on('data', (chunk: Buffer) => socket.end(chunk.toString().toUpperCase()));
});
/** The local service that receives downlinks over UDP. */
const datagrams = createSocket('udp4');

const config = () => join(folder, 'arc.json');

async function run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const command = [process.execPath, ARCTUN, ...words, '--config', config()];
  const { code, stderr } = await processes.start(command, { env }).finished;
  if (code !== 0) throw new Error(stderr);
}

async function startUp(): Promise<void> {
  service.listen(0, '127.0.0.1');
  datagrams.bind(0, '127.0.0.1');
  await Promise.all([once(service, 'listening'), once(datagrams, 'listening')]);
  datagrams.on('message', (payload, { port }) => datagrams.send(payload.reverse(), port));
  const { port } = service.address() as AddressInfo;
  acceptDatagrams(datagrams.address().port);
  const forwards = [`8080:127.0.0.1:${port}`, `5000:127.0.0.1:${datagrams.address().port}/udp`];
  const flags = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
  const words = ['up', ...flags, ...forwards.flatMap((forward) => ['-R', forward])];
  const env = { RUNTIME_DIRECTORY: join(folder, 'run'), XDG_STATE_HOME: join(folder, 'state') };
  await processes
    .start([process.execPath, ARCTUN, ...words, '--config', config()], { env })
    .output(/is up/);
}

const send = (payload: string, ...flags: readonly string[]) =>
  run(['send', payload, ...flags], { RUNTIME_DIRECTORY: join(folder, 'run') });

const textOf = (id: string) =>
  page.evaluate(`document.getElementById('${id}').innerText`) as Promise<string>;
const shows = (id: string, text: string) =>
  until(async () => (await textOf(id)).includes(text), { what: `#${id} shows ${text}` });

async function screenshot(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot(join(SCREENSHOTS, `${name}.png`));
}

/** Sends a downlink with the keyboard only, beginning at the top of the page. */
async function sendByKeyboard(fields: readonly string[]): Promise<void> {
  await page.visit(emulator.api);
  await shows('connection', 'Live');
  for (const field of fields) {
    await page.press('Tab');
    if (field === 'ArrowDown') await page.press(field);
    else if (field !== '') await page.type(field);
  }
  await page.press('Tab');
  await page.press('Enter');
}

describeWith(['chromium'], "the emulator's page", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-page-'));
    emulator = await startEmulatorProcess(processes);
    browser = new DevTools();
    page = await browser.open('about:blank', LAYOUTS[2]);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await processes.close();
    service.close();
    datagrams.close();
    rmSync(folder, { recursive: true });
  });

  it('shows SIMs and messages as they arrive', async () => {
    await page.visit(emulator.api);
    await shows('connection', 'Live');
    await shows('sim-summary', 'No virtual SIMs yet');
    await screenshot('empty');
    await run(['bootstrap', 'authkey', '--name', '<b>sensor</b>'], emulator.env);
    await shows('sim-rows', '<b>sensor</b>');
    await shows('sim-rows', 'offline');
    await startUp();
    await shows('sim-rows', 'online');
    await send('{"temperature": 21.5}');
    await send('<img src=x onerror=alert(1)>', '--via', 'tcp');
    await send('\u0001\u0002 binary', '--via', 'udp');
    await shows('message-rows', '01 02 20 62 69 6e 61 72 79');
    const rows = await textOf('message-rows');
    expect(rows).toContain('{"temperature": 21.5}');
    expect(rows).toContain('<img src=x onerror=alert(1)>');
    expect(rows.indexOf('UDP 23080')).toBeLessThan(rows.indexOf('TCP 23080'));
    await shows('news', 'Newest: UDP 23080 from <b>sensor</b>');
  }, 120_000);

  it('sends a downlink over TCP with the keyboard only', async () => {
    await sendByKeyboard(['', 'ArrowDown', '8080', '', 'hello']);
    await shows('result', 'Sent 5 bytes to 10.0.0.2 port 8080. Answer (5 bytes):\nHELLO');
    expect(await page.evaluate('document.activeElement.id')).toBe('send');
  }, 60_000);

  it('sends a downlink in hex over UDP, and shows a binary answer', async () => {
    await sendByKeyboard(['', '', '5000', 'ArrowDown', 'ff 00 61']);
    await shows('result', 'Sent 3 bytes to 10.0.0.2 port 5000. Answer (3 bytes):\n61 00 ff');
  }, 60_000);

  it('shows why a downlink failed', async () => {
    await sendByKeyboard(['', 'ArrowDown', '9', '', 'x']);
    await shows('result', 'Not delivered. The downlink failed: the port is closed.');
  }, 60_000);

  it.each(LAYOUTS)('fits into $width pixels, $scheme', async (layout) => {
    await page.look(layout);
    await screenshot(`${layout.width}-${layout.scheme}`);
    const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;
    expect(await page.evaluate(overflow)).toBe(0);
    expect(await page.evaluate(LOWEST_CONTRAST)).toBeGreaterThanOrEqual(4.5);
  });

  it('shows that the emulator has stopped, without errors before that', async () => {
    // The only problem is the downlink that failed on purpose.
    expect(page.errors).toEqual([expect.stringMatching(/status of 502 .*emulator\/downlink/)]);
    const foreign = page.requests.filter((url) => !url.startsWith(emulator.api));
    expect(foreign.filter((url) => !/^(?:about:blank|data:,)$/.test(url))).toEqual([]);
    emulator.process.child.kill('SIGTERM');
    await shows('connection', 'Not connected, retrying');
    await screenshot('stopped');
  }, 60_000);
});

/** The lowest contrast between a text and its background (WCAG 2.1, 1.4.3). */
const LOWEST_CONTRAST = `(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((numbers(color)[3] ?? 1) > 0) return color;
    }
    throw new Error('no background');
  };
  let lowest = Infinity;
  for (const element of document.body.querySelectorAll('*')) {
    if (element.matches('noscript, script') || element.textContent.trim() === '') continue;
    const [one, other] = [light(getComputedStyle(element).color), light(backgroundOf(element))];
    lowest = Math.min(lowest, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05));
  }
  return lowest;
})()`;
