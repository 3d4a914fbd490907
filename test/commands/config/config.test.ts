/** `config`, `config init`, `config validate` and `config import`, as a user types them. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PRIVATE_KEY, SAMPLE, sampleWith, SERVER_KEY } from '../../arc-config/sample.js';
import { runInProcess } from '../../support/command-in-process.js';
import { ARCTUN, type Finished, Processes } from '../../support/processes.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function arctun(
  parameters: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  return runInProcess(parameters, { cwd: folder, ...options });
}

const write = (name: string, text: string) =>
  writeFileSync(join(folder, name), text, { mode: 0o600 });
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

const SKELETON = `{
  "privateKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "publicKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "simId": "890000xxxxxxxxxxxxx",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "arcServerEndpoint": "localhost:11010",
    "arcAllowedIPs": [
      "100.127.0.0/16"
    ],
    "arcClientPeerIpAddress": "127.0.0.1"
  }
}
`;

describe('config init', () => {
  it('prints what soratun config prints, byte for byte, also on macOS', async () => {
    const processes = new Processes();
    const command = [process.execPath, ARCTUN, 'config', 'init'];
    expect(await processes.run(command, { cwd: folder })).toEqual({
      ...{ code: 0, stdout: SKELETON, stderr: '' },
    });
    await processes.close();
    const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' });
    const { stdout } = await arctun(['config', 'init']);
    Object.defineProperty(process, 'platform', platform);
    expect(stdout).toBe(SKELETON.replace('soratun0', 'utun'));
  }, 60_000);

  it('refuses --config, because it does not write a file', async () => {
    const { code, stdout, stderr } = await arctun(['config', 'init', '--config', 'new.json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'Error: cannot use --config: this command prints a template and does not write a file\n' +
        '  Redirect standard output, for example: arctun config init > arc.json\n',
    );
    const env = { ARCTUN_CONFIG: 'new.json' };
    expect((await arctun(['config', 'init'], { env })).stdout).toBe(SKELETON);
  });

  it('prints the skeleton even if a file exists, and config prints it if no file exists', async () => {
    expect((await arctun(['config'])).stdout).toBe(SKELETON);
    write('arc.json', SAMPLE);
    expect((await arctun(['config', 'init'])).stdout).toBe(SKELETON);
    expect((await arctun(['config'])).stdout).toContain('"privateKey": "<redacted>"');
  });
});

it('prints JSON on one line with --json', async () => {
  const skeleton: unknown = JSON.parse(SKELETON);
  for (const words of [['config'], ['config', 'init']]) {
    const { code, stdout } = await arctun([...words, '--json']);
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 });
    expect(JSON.parse(stdout)).toEqual(skeleton);
  }
  write('arc.json', '{"mtu": "x"}');
  const bad = await arctun(['config', 'validate', '--json']);
  expect(bad.code).toBe(3);
  expect(JSON.parse(bad.stdout)).toMatchObject({
    valid: false,
    errors: expect.arrayContaining([
      expect.objectContaining({ line: 1, keyPath: 'mtu' }),
    ]) as object,
  });
  const missing = await arctun(['config', 'validate', '--json', 'nosuch.json']);
  expect(missing.code).toBe(3);
  expect(JSON.parse(missing.stdout)).toEqual({
    valid: false,
    errors: [{ line: 0, keyPath: '', found: 'no such file', expected: 'a usable configuration' }],
    warnings: [],
    notes: [],
  });
  write('arc.json', SAMPLE);
  const good = await arctun(['config', 'validate', '--json']);
  expect(good.code).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({ valid: true, errors: [] });
});

describe('config validate', () => {
  it.each([
    ['no JSON', '{"mtu": 1400,}'],
    ['faults of several members', sampleWith({ mtu: 'x', interface: 'a/b', arcSessionStatus: {} })],
    ['a name that is too long', sampleWith({ interface: 'a'.repeat(16) })],
  ])('reports the same as up: %s', async (_name, text) => {
    write('arc.json', text);
    const { code, stderr } = await arctun(['config', 'validate']);
    expect(code).toBe(3);
    expect(await arctun(['up', '--mode', 'userspace'])).toEqual({ code, stdout: '', stderr });
  });

  it('exits with 3 and every fault', async () => {
    write('arc.json', '{\n  "mtu": "1420",\n  "logLevel": 2.5,\n  "interface": 7\n}\n');
    const { code, stdout, stderr } = await arctun(['config', 'validate']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toBe(`Error: cannot use arc.json: 5 errors
  line 2, mtu: found "1420", expected an integer from 0 to 65535
  line 3, logLevel: found 2.5, expected an integer
  line 4, interface: found 7, expected a string
  privateKey: found nothing, expected the key that bootstrap writes
  arcSessionStatus: found nothing, expected the session that bootstrap writes
  Correct the file, then check it with \`arctun config validate\`.
`);
  });

  it('warns only about a public key that belongs to another key', async () => {
    write('arc.json', SAMPLE);
    const { code, stdout, stderr } = await arctun(['config', 'validate']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'valid, with 1 warning\n' });
    expect(stderr).toMatch(/^Warning: publicKey in arc\.json does not match privateKey\./);
    write('arc.json', sampleWith({ publicKey: null }));
    expect((await arctun(['config', 'validate'])).stderr).toBe('');
  });

  it('reads standard input and a named file, and exits with 3 for warnings with --strict', async () => {
    const input = sampleWith({ publicKey: null, persistantKeepalive: 25 });
    const warning =
      'standard input, line 1: unknown member "persistantKeepalive"; did you mean "persistentKeepalive"?';
    const expected = { stdout: 'valid, with 1 warning\n', stderr: `Warning: ${warning}\n` };
    const dash = await arctun(['config', 'validate', '-', '--strict'], { input });
    const flag = await arctun(['config', 'validate', '--read-stdin'], { input });
    const both = await arctun(['config', 'validate', '-', '--config', 'arc.json'], { input });
    expect(dash).toEqual({ code: 3, ...expected });
    expect(flag).toEqual({ code: 0, ...expected });
    expect(both).toMatchObject({ code: 2, stdout: '' });
    write('other.json', sampleWith({ mtu: 100 }));
    const { code, stderr } = await arctun(['config', 'validate', 'other.json']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Error: cannot use other\.json: line 1, mtu: found 100, /);
  });
});

describe('config import', () => {
  const conf = `[Interface]
PrivateKey = ${PRIVATE_KEY}
Address = 10.0.0.2/32
DNS = 100.127.0.53

[Peer]
PublicKey = ${SERVER_KEY}
AllowedIPs = 100.127.0.0/16
Endpoint = link.arc.soracom.io:11010
PersistentKeepalive = 60
`;

  it('writes a private file, and reports its path and what is lost', async () => {
    write('soracom.conf', conf);
    const finished = await arctun(['config', 'import', 'soracom.conf', '--sim-id', '89423']);
    expect(finished).toEqual({
      code: 0,
      stdout: `Created/updated configuration file: ${join(folder, 'arc.json')}\n`,
      stderr:
        "soracom.conf, line 4, DNS: dropped: arc.json does not support name servers; the system's name servers are used\n",
    });
    expect(statSync(join(folder, 'arc.json')).mode & 0o777).toBe(0o600);
    expect(JSON.parse(read('arc.json'))).toMatchObject({
      privateKey: PRIVATE_KEY,
      simId: '89423',
      arcSessionStatus: { arcServerEndpoint: 'link.arc.soracom.io:11010' },
    });
    expect(await arctun(['config', 'validate'])).toEqual({
      code: 0,
      stdout: 'valid\n',
      stderr: '',
    });
  });

  it('reads standard input and reports the losses as JSON too', async () => {
    const { code, stdout } = await arctun(['config', 'import', '-', '--json'], { input: conf });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      path: join(folder, 'arc.json'),
      notes: [{ line: 4, key: 'DNS', message: expect.stringContaining('dropped') as string }],
    });
  });

  it('refuses to overwrite with 3, unless --force is given', async () => {
    write('soracom.conf', conf);
    write('arc.json', SAMPLE);
    const refused = await arctun(['config', 'import', 'soracom.conf']);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('--force');
    expect(read('arc.json')).toBe(SAMPLE);
    expect((await arctun(['config', 'import', 'soracom.conf', '--force'])).code).toBe(0);
    expect(read('arc.json')).not.toBe(SAMPLE);
  });

  it('exits with 3, lists the faults with their lines, and hides the key', async () => {
    write(
      'soracom.conf',
      conf.replace('Endpoint = link', `PresharedKey = ${SERVER_KEY}\nEndpoint = l ink`),
    );
    const { code, stdout, stderr } = await arctun(['config', 'import', 'soracom.conf']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/line 9, PresharedKey: [^]*line 10, Endpoint: found "l ink/);
    expect(stderr).not.toMatch(/IBEi|ICEi/);
    expect((await arctun(['config', 'import', 'none.conf'])).code).toBe(3);
    expect((await arctun(['config', 'import'])).code).toBe(2);
  });
});
