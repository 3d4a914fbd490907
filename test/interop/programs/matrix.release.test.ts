/**
 * Foreign programs and their ways into the tunnel: `arctun up` of an ordinary user in userspace, with
 * wireguard-go as the server. docs/reference/programs.md shows the rows.
 */
import { INSIDE_IPV6 } from '../../support/foreign/wireguard-go-server.js';
import { describeWith } from '../../support/runner/requirements.js';
import { ProgramLab } from './program-lab.js';
import type { ProgramRow } from './row.js';
import { IPV6_ROWS, LIBRARY_ROWS, UP_ROWS } from './rows/index.js';
import { FORWARDS, startFewServices, startServices } from './services.js';

const SERVER = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'ethtool', 'setpriv', 'curl'] as const;
const PROGRAMS = [
  ...(['ssh', 'sshd', 'git', 'nc', 'dig', 'chronyd', 'coap-client-notls'] as const),
  ...(['mosquitto', 'mosquitto_pub', 'postgres', 'psql', 'proxychains4', 'chromium'] as const),
  ...(['python3-requests', 'python3-aiohttp'] as const),
] as const;

let lab: ProgramLab;

/** Runs each row that has its own check. */
function checkRows(rows: readonly ProgramRow[]): void {
  const checked = rows.filter(({ check }) => typeof check === 'function');
  it.each(checked.map((row) => ({ ...row, name: `${row.program}: ${row.way}` })))(
    '$name',
    async ({ check, type }) => {
      if (typeof check === 'function') await check(lab, type);
    },
    120_000,
  );
}

/** The last test of each set: the capture of the outer wire. */
function expectOnlyWireGuard(): void {
  const { strays, examples, wireguard } = lab.server.wire!.report();
  expect({ strays, examples }).toEqual({ strays: 0, examples: [] });
  expect(wireguard).toBeGreaterThan(0);
}

describeWith([...SERVER, ...PROGRAMS], 'programs with a running up of an ordinary user', () => {
  beforeAll(async () => {
    lab = new ProgramLab();
    await lab.server.startWireGuard();
    await startServices(lab);
    const socket = ['-L', `${lab.home}/web.sock:uni.soracom.io:80`];
    await lab.startUp('--dns-listen', '127.0.0.1:5353', ...FORWARDS, ...socket);
  }, 120_000);
  afterAll(() => lab.close());

  checkRows(UP_ROWS);

  it('sends only WireGuard to the server', () => {
    expectOnlyWireGuard();
  });

  it('ends with 0, and has not logged an error', async () => {
    expect(await lab.stopUp()).toMatchObject({ code: 0 });
    expect(lab.upOutput).not.toMatch(/"level":(?:"error"|50|60)/);
  }, 60_000);
});

describeWith(SERVER, 'programs with IPv6 inside the tunnel', () => {
  beforeAll(async () => {
    lab = new ProgramLab(INSIDE_IPV6);
    await lab.server.startWireGuard();
    await lab.server.startHttp();
    const target = `[${INSIDE_IPV6.service}]:80`;
    await lab.startUp('--forward-to', target, '-L', `8080:${target}`);
  }, 60_000);
  afterAll(() => lab.close());

  checkRows(IPV6_ROWS);

  it('sends only WireGuard to the server', () => {
    expectOnlyWireGuard();
  });
});

describeWith([...SERVER, ...PROGRAMS], 'programs that open the tunnel with the library', () => {
  beforeAll(async () => {
    lab = new ProgramLab();
    await lab.server.startWireGuard();
    await startFewServices(lab);
  }, 120_000);
  afterAll(() => lab.close());

  checkRows(LIBRARY_ROWS);

  it('sends only WireGuard to the server', () => {
    expectOnlyWireGuard();
  });
});
