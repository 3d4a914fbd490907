import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  PRIVATE_KEY,
  SAMPLE,
  sampleWith,
  sampleWithSession,
  SERVER_KEY,
} from '../arc-config/sample.js';
import { decodePng, decodeTerminal } from '../cli/qr-code-reader.js';
import { IMPOSSIBLE_NAME } from '../support/impossible-name.js';
import { runInProcess } from '../support/command-in-process.js';
import { ARCTUN, type Finished, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const processes = new Processes();
afterAll(() => processes.close());
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-wg-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function wgConfig(arcJson: string, ...parameters: readonly string[]): Promise<Finished> {
  writeFileSync(join(folder, 'arc.json'), arcJson);
  return runInProcess(['wg-config', ...parameters], { cwd: folder });
}

const AT_AN_ADDRESS = sampleWithSession({ arcServerEndpoint: '192.0.2.1:11010' });
const COMMANDS = sampleWith({
  ...(JSON.parse(AT_AN_ADDRESS) as object),
  postUp: [['/bin/echo', '%i', 'up'], [], ['', 'x']],
});
const TEXT = `[Interface]
Address = 10.0.0.2/32
PrivateKey = ${PRIVATE_KEY}
MTU = 1380
PostUp = /bin/echo %i up
PostDown = /bin/true

[Peer]
PublicKey = ${SERVER_KEY}
AllowedIPs = 100.127.0.0/21, 54.250.252.67/32, 10.128.0.0/9
Endpoint = 192.0.2.1:11010
PersistentKeepalive = 25
`;

it('prints what soratun wg-config prints, byte for byte', async () => {
  expect(await wgConfig(COMMANDS)).toEqual({ code: 0, stdout: TEXT, stderr: '' });
}, 60_000);

it('puts an IPv6 address in brackets, and leaves a name unchanged', async () => {
  const ipv6 = await wgConfig(sampleWithSession({ arcServerEndpoint: '2001:db8::1' }));
  expect(ipv6.stdout).toContain('Endpoint = [2001:db8::1]:11010\n');
  const named = await wgConfig(SAMPLE, '--keep-hostname');
  expect(named.stdout).toContain('Endpoint = link.arc.soracom.io:11010\n');
  expect(named.stderr).toMatch(/^Warning: postUp\[0\] in arc\.json /);
}, 60_000);

it('exits with 5 if a name is unknown, as `up` does', async () => {
  const arcJson = sampleWithSession({ arcServerEndpoint: IMPOSSIBLE_NAME });
  const { code, stdout, stderr } = await wgConfig(arcJson);
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(/^Error: cannot resolve (no-such-host)+\.invalid: [^]*--keep-hostname/);
}, 60_000);

it('exits with 3 and lists what is missing where soratun panics', async () => {
  for (const arcJson of ['{}', sampleWithSession({ arcServerEndpoint: null })]) {
    const { code, stderr } = await wgConfig(arcJson);
    expect(code).toBe(3);
    expect(stderr).toMatch(/arcSessionStatus[^]*found nothing, expected/);
  }
}, 60_000);

it('shows a QR code that decodes to the text, and nothing else', async () => {
  const { code, stdout, stderr } = await wgConfig(COMMANDS, '--qr');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(decodeTerminal(stdout)).toBe(TEXT);
}, 60_000);

describeWith(['script'], 'on a terminal', () => {
  it('reports that the terminal is too narrow for the code of wg-config --qr', async () => {
    writeFileSync(join(folder, 'arc.json'), COMMANDS);
    const command = `stty cols 40 rows 200; '${process.execPath}' '${ARCTUN}' wg-config --qr`;
    const { code, stdout } = await processes.run(['script', '-qefc', command, '/dev/null'], {
      cwd: folder,
      env: { TERM: 'xterm' },
    });
    expect(code).toBe(0);
    expect(stdout.trimEnd()).toMatch(
      /the terminal has only 40 columns and 200 rows\. Enlarge the terminal, or use --png FILE\.$/,
    );
  }, 60_000);
});

it('writes a private PNG that decodes to the text', async () => {
  const path = join(folder, 'code.png');
  const { code, stdout, stderr } = await wgConfig(COMMANDS, '--png', 'code.png');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toBe(`${path} contains the private key: keep it secret.\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(decodePng(readFileSync(path))).toBe(TEXT);
}, 60_000);

describeWith(['root', 'wg', 'wg-quick'], 'wg-quick', () => {
  it('accepts the text', async () => {
    const { stdout } = await wgConfig(COMMANDS);
    const path = join(folder, 'soratun0.conf');
    writeFileSync(path, stdout, { mode: 0o600 });
    const strip = await processes.run(['wg-quick', 'strip', path]);
    expect(strip).toMatchObject({ code: 0, stderr: '' });
    // Settings for wg-quick itself are stripped; the rest is for wg(8).
    const rest = TEXT.split('\n').filter((line) => !/^(Address|MTU|PostUp|PostDown) = /.test(line));
    expect(strip.stdout.trim()).toBe(rest.join('\n').trim());
  }, 60_000);
});
