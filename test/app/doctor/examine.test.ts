/**
 * `doctor` finds each fault, and names only that fault: the tunnel and its server are real; the
 * network between them, the clock, the files, the system and the SORACOM API are fake.
 */
import type { Check } from '../../../src/app/doctor/check.js';
import type {
  DoctorOptions,
  DoctorPorts,
  DoctorSystem,
} from '../../../src/app/doctor/doctor-ports.js';
import { examine } from '../../../src/app/doctor/examine.js';
import { simUseLine, type SimUse } from '../../../src/app/up/sim-use.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type {
  InterfaceLeftovers,
  PacketInterfaceRefusal,
} from '../../../src/ports/packet-interfaces.js';
import { MissingCredentialsError } from '../../../src/app/credentials/missing-credentials.js';
import type { StatusReport } from '../../../src/app/status/status-report.js';
import { FileError } from '../../../src/ports/files.js';
import { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { fakeShares } from '../../support/fakes/fake-shares.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { BUDGET, CONNECTING, REPORT, TRAFFIC } from '../../support/fakes/status-report.js';
import {
  CLIENT,
  CLIENT_KEY,
  SERVICE,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';
import { apiError, CREDENTIALS, FakeSoracom, sim } from '../fake-soracom.js';

const SIM_ID = '8942310022000012345';
const ARC_JSON = '/home/arc.json';
const SOCKET = '/run/arctun/soratun0.sock';
const NAME_SERVER = SERVICE;
const LOST = 'No handshake with the Arc server.';

const crypto = createNodeCrypto();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const OWN_KEY = base64(crypto.publicKey(CLIENT_KEY));
const OTHER_KEY = base64(crypto.publicKey(new Uint8Array(32).fill(9)));

/** A machine without faults, each part of which a test can break. */
class Machine {
  readonly world = new TunnelInMemory(crypto);
  readonly files = new MemoryFiles();
  readonly claims = new FakeClaims();
  readonly shares = fakeShares();
  readonly api = new FakeSoracom();
  credentials = () => Promise.resolve(CREDENTIALS);
  clockLag = 0;
  koffi: string | undefined;
  obstacle: PacketInterfaceRefusal | undefined;
  portFault: Error | undefined;
  folder: { readonly exists: boolean; readonly fault?: Error } = { exists: true };
  leftovers: InterfaceLeftovers | undefined;
  privatePaths: string[] = [];
  members: Record<string, unknown> = {};
  options: Partial<DoctorOptions> = {};
  steps: string[] = [];
  accepted = 0;

  async prepare(): Promise<this> {
    const network = await this.world.openNetwork();
    network.bindUdp({ address: parseIpAddress(NAME_SERVER)!, port: 53 }, (query, _, reply) => {
      const answer = Uint8Array.from(query.subarray(0, 12 + 21));
      answer[2]! |= 0x80; // QR: a response
      answer.fill(0, 6, 12);
      answer[5] = 1;
      reply(answer.subarray(0, 12 + 20));
    });
    network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
      this.accepted++;
      stream.on('error', () => undefined).resume();
    });
    this.online();
    return this;
  }

  session(changes = {}) {
    return {
      arcServerPeerPublicKey: base64(this.world.network.publicKey),
      arcServerEndpoint: `127.0.0.1:${this.world.server.port}`,
      arcAllowedIPs: ['100.127.0.0/16'],
      arcClientPeerIpAddress: CLIENT,
      ...changes,
    };
  }

  /** SORACOM reports this SIM. */
  online(changes: object = {}, publicKey = OWN_KEY): void {
    const profile = {
      ...{ iccid: SIM_ID, primaryImsi: undefined, arcClientPeerPrivateKey: undefined },
      arcClientPeerPublicKey: publicKey,
    };
    const profiles = { [SIM_ID]: profile };
    this.api.sims = [sim(SIM_ID, { profiles, arcSessionStatus: this.session(), ...changes })];
  }

  set(members: object): void {
    Object.assign(this.members, members);
  }

  /** Another process uses the SIM. */
  hold(use: SimUse | string): void {
    const name = Buffer.from(crypto.publicKey(CLIENT_KEY)).toString('hex');
    this.claims.holders.set(name, () => (typeof use === 'string' ? use : simUseLine(use)));
  }

  /** An `up` with this SIM is running. */
  run(report: Partial<StatusReport>): void {
    const status = { ...REPORT, publicKey: OWN_KEY, ...report };
    this.shares.connections.sockets.set(SOCKET, `${JSON.stringify({ status })}\n`);
  }

  get #ports(): DoctorPorts {
    const system: DoctorSystem = {
      ...{ user: 1000, nodeVersion: 'v24.0.0' },
      koffiFailure: () => Promise.resolve(this.koffi),
      tryListen: () => Promise.resolve(this.portFault),
      tryFolder: () => Promise.resolve(this.folder),
      makePrivate: (path) => Promise.resolve(void this.privatePaths.push(path)),
    };
    return {
      ...this.world.ports,
      ...this.shares,
      system,
      files: this.files,
      claims: this.claims,
      portHolder: () => Promise.resolve('nginx (pid 33)'),
      account: {
        credentials: () => this.credentials(),
        createClient: () => this.api,
      },
      serverTime: () =>
        Promise.resolve(this.world.ports.wallClock.unixMilliseconds() + this.clockLag),
      interfaceLeftovers: () => Promise.resolve(this.leftovers ?? NOTHING_LEFT),
      interfaceObstacle: () => Promise.resolve(this.obstacle),
    };
  }

  /** Examines the machine, and passes the time meanwhile. */
  async examine(options: Partial<DoctorOptions> = {}): Promise<readonly Check[]> {
    if (!this.files.texts.has(ARC_JSON) && this.members.absent !== true) {
      const config = {
        ...{ privateKey: base64(CLIENT_KEY), publicKey: OWN_KEY, simId: SIM_ID },
        ...{ arcSessionStatus: this.session(), ...this.members },
      };
      this.files.texts.set(ARC_JSON, JSON.stringify(config));
    }
    const examining = examine(
      {
        ...{ config: 'arc.json', mode: 'userspace', nameServers: [NAME_SERVER] },
        listeners: [{ flag: '--forward-listen', host: '127.0.0.1', port: 8888 }],
        ...{ fix: false, nat: false, rival: false, pid: 1, stateFolder: '/state' },
        ...{ runFolders: ['/run/arctun'], signal: new AbortController().signal },
        ...this.options,
        ...options,
      },
      this.#ports,
      (step) => this.steps.push(step),
    );
    let isOver = false as boolean;
    const over = () => (isOver = true);
    examining.then(over, over);
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.world.advance(100);
    }
    return examining;
  }

  async problems(options: Partial<DoctorOptions> = {}): Promise<readonly Check[]> {
    return (await this.examine(options)).filter(({ outcome }) => outcome === 'failed');
  }
}

const NOTHING_LEFT: InterfaceLeftovers = {
  isInUse: () => false,
  count: () => 0,
  remove: () => 0,
  kernelInterface: () => undefined,
  removeInterface: () => undefined,
};

const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

let at: Machine;
beforeEach(async () => {
  at = await new Machine().prepare();
});
afterEach(() => at.world.network.close());

it('finds no problem in a working installation, and opens two connections', async () => {
  const checks = await at.examine();
  expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
  expect(checks).toHaveLength(15);
  expect(at.steps).toEqual(['Checking this machine', 'Asking SORACOM', 'Checking the tunnel']);
  expect(at.accepted).toBe(2);
  expect(at.claims.holders.size).toBe(0);
});

interface Expected {
  readonly name: string;
  readonly kind: string;
  readonly text?: string;
  readonly cause: RegExp;
  readonly remedy: RegExp;
}

it.each<[fault: string, breakIt: () => void, expected: Expected]>([
  [
    'a missing arc.json',
    () => at.set({ absent: true }),
    { name: 'config', kind: 'configuration', cause: /^No such file/, remedy: /bootstrap/ },
  ],
  [
    'an arc.json that this user cannot read',
    () => {
      const denied = new FileError('denied', ARC_JSON, 'permission denied');
      at.files.failures.set(`readText ${ARC_JSON}`, denied);
    },
    {
      ...{ name: 'config', kind: 'permission', cause: /permission denied/i },
      remedy: /^Run as a user who can read the file, or as root: chown 1000 arc\.json$/,
    },
  ],
  [
    'an arc.json that others can read',
    () => at.files.inspections.set(ARC_JSON, { readableMode: 0o644 }),
    {
      ...{ name: 'file-access', kind: 'permission', cause: /contains the private key/ },
      remedy: /^Run: chmod 600 arc\.json$/,
    },
  ],
  [
    'an arc.json that others can write',
    () => {
      const writer = { path: ARC_JSON, fault: 'mode', isFolder: false, mode: 0o622 } as const;
      at.files.inspections.set(ARC_JSON, { otherWriters: [writer] });
    },
    {
      ...{ name: 'file-access', kind: 'permission', cause: /could redirect the tunnel/ },
      remedy: /^Run: chmod 600 arc\.json$/,
    },
  ],
  [
    "a publicKey that is not the SIM's",
    () => at.set({ publicKey: OTHER_KEY }),
    {
      ...{ name: 'keys', kind: 'configuration', cause: /belongs to another SIM/ },
      remedy: new RegExp(`^Set publicKey to the SIM's public key: ${OWN_KEY.replace('+', '\\+')}$`),
    },
  ],
  [
    'a state folder that this user cannot write to',
    () => (at.folder = { exists: true, fault: systemError('open', 'EACCES') }),
    {
      ...{ name: 'state-folder', kind: 'permission', cause: /^Permission denied/ },
      remedy: /chown -R 1000 \/state/,
    },
  ],
  [
    'a full disk',
    () => (at.folder = { exists: true, fault: systemError('write', 'ENOSPC') }),
    { name: 'state-folder', kind: 'failed', cause: /./, remedy: /writable and not full/ },
  ],
  [
    'a mode that needs a right',
    () => {
      at.options = { mode: 'tun' };
      at.obstacle = 'not-permitted';
    },
    { name: 'system', kind: 'permission', cause: /CAP_NET_ADMIN/, remedy: /^Run as root/ },
  ],
  [
    'a mode that needs koffi',
    () => {
      at.options = { mode: 'kernel' };
      at.koffi = 'not found';
    },
    { name: 'system', kind: 'failed', cause: /^koffi: not found/, remedy: /optional dependencies/ },
  ],
  [
    'the program that uses the port',
    () => (at.portFault = systemError('listen', 'EADDRINUSE')),
    {
      ...{ name: 'ports', kind: 'failed', cause: /^Nginx \(pid 33\)|^nginx \(pid 33\)/ },
      remedy: /^Stop that program, or choose another port with --forward-listen/,
    },
  ],
  [
    'a slow clock',
    () => (at.clockLag = 3_600_000),
    { name: 'clock', kind: 'tunnel', cause: /60 min ahead/, remedy: /^Set this machine's clock/ },
  ],
  [
    'a server name that does not exist',
    () => {
      at.set({ arcSessionStatus: at.session({ arcServerEndpoint: 'no.invalid:11010' }) });
      at.set({ simId: '' });
    },
    { name: 'server-name', kind: 'tunnel', cause: /ENOTFOUND/, remedy: /^Correct arcServerEnd/ },
  ],
  [
    "a wrong server's key",
    () => at.set({ arcSessionStatus: at.session({ arcServerPeerPublicKey: OTHER_KEY }) }),
    { name: 'sim', kind: 'tunnel', cause: /^Server key: .* in SORACOM, but/, remedy: /./ },
  ],
  [
    'that the SIM has another key',
    () => at.online({}, OTHER_KEY),
    { name: 'sim', kind: 'tunnel', cause: /^The SIM's public key is .*, but/, remedy: /renew-key/ },
  ],
  [
    'that the credentials are wrong',
    () => at.api.failures.set('auth', apiError(401)),
    { name: 'sim', kind: 'api', cause: /^HTTP 401/, remedy: /./ },
  ],
  [
    'a silent server',
    () => at.world.network.removePeer(crypto.publicKey(CLIENT_KEY)),
    {
      ...{ name: 'handshake', kind: 'tunnel', text: LOST, cause: /has not answered 2 handshake/ },
      remedy: /arctun emulator/,
    },
  ],
  [
    'name servers that do not answer',
    () => (at.options = { nameServers: ['100.127.0.53'] }),
    { name: 'name-servers', kind: 'tunnel', cause: /^100\.127\.0\.53: no answer/, remedy: /--dns/ },
  ],
])('finds %s', async (_, breakIt, { cause, remedy, ...expected }) => {
  breakIt();
  expect(await at.problems()).toEqual([
    expect.objectContaining({
      ...expected,
      cause: matching(cause),
      remedy: matching(remedy),
    }),
  ]);
});

it.each<[why: string, breakIt: () => void]>([
  [
    'no credentials for the SORACOM API',
    () => (at.credentials = () => Promise.reject(new MissingCredentialsError(['auth-key']))),
  ],
  [
    'the credentials do not have the permission Sim:getSim',
    () => at.api.failures.set('getSim', apiError(403)),
  ],
  ['arc.json does not contain a simId', () => at.set({ simId: '' })],
])('does not compare the SIM, and checks the rest: %s', async (why, breakIt) => {
  breakIt();
  const checks = await at.examine();
  expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([
    { name: 'sim', outcome: 'skipped', text: `Skipped: ${why}.` },
  ]);
});

it('skips what another problem explains', async () => {
  at.clockLag = 3_600_000;
  at.world.network.removePeer(crypto.publicKey(CLIENT_KEY));
  const checks = await at.examine();
  const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  expect(failed).toEqual(['clock']);
  expect(checks.filter(({ outcome }) => outcome === 'skipped').map(({ text }) => text)).toEqual([
    'Skipped: the server does not answer, which the problem with "clock" may explain.',
    ...Array<string>(4).fill('Skipped: first fix the problem with "handshake".'),
  ]);
});

it('does not open a tunnel for a SIM that is terminated, or for unusable keys', async () => {
  at.online({ status: 'terminated' });
  expect(await at.problems()).toMatchObject([{ name: 'sim' }]);
  expect(at.steps).not.toContain('Checking the tunnel');
  at.files.texts.clear();
  at.set({ arcSessionStatus: at.session({ arcServerPeerPublicKey: OWN_KEY }) });
  const problems = await at.problems();
  expect(problems.map(({ name }) => name)).toEqual(['keys', 'sim']);
  expect(at.steps).not.toContain('Checking the tunnel');
});

it('reports one problem if privateKey belongs to another SIM than publicKey', async () => {
  at.set({ publicKey: OTHER_KEY });
  at.online({}, OTHER_KEY);
  expect(await at.problems()).toMatchObject([{ name: 'sim', text: 'The SIM has another key.' }]);
});

it('fixes the mode of the file, the state folder and leftovers, and explains a failed fix', async () => {
  at.files.inspections.set(ARC_JSON, { readableMode: 0o644 });
  at.folder = { exists: false };
  at.leftovers = { ...NOTHING_LEFT, kernelInterface: () => 'wg7' };
  const texts = (await at.examine({ fix: true })).map(({ text }) => text);
  expect(texts.filter((text) => text.startsWith('Fixed:'))).toEqual([
    'Fixed: Set the mode of arc.json to 0600.',
    'Fixed: created the state folder /state.',
    'Fixed: Removed the network interface wg7.',
  ]);
  expect(at.privatePaths).toEqual(['arc.json']);
  at.leftovers.removeInterface = () => {
    throw systemError('netlink', 'EPERM');
  };
  expect(await at.problems({ fix: true })).toMatchObject([
    { name: 'leftovers', cause: matching(/this user lacks the permission/), fix: undefined },
  ]);
});

it.each<[string, Partial<StatusReport>, readonly string[], string]>([
  ['is silent', CONNECTING, ['handshake'], 'first fix the problem with "handshake"'],
  [
    'has used up its budget',
    { traffic: { ...TRAFFIC, budget: BUDGET } },
    ['unified-endpoint'],
    'first fix the problem with "Unified Endpoint"',
  ],
  [
    'has a network interface',
    { mode: 'tun' },
    [],
    'doctor does not use the network interface of arctun up (pid 4711)',
  ],
  ['has just stopped', {}, [], 'arctun up (pid 4711), which owns the tunnel, has stopped'],
])('does not disturb an up that %s', async (_, report, failed, why) => {
  at.run(report);
  const checks = await at.examine();
  const names = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  expect(names).toEqual(failed);
  const of = (name: string) => checks.find((check) => check.name === name)?.text;
  expect(of('name-servers')).toBe(`Skipped: ${why}.`);
  expect(of('path-mtu')).toBe('Skipped: arctun up (pid 4711) is using the SIM.');
});

it('waits for a command that ends soon, but not for an up or an unknown process', async () => {
  at.hold({ command: 'send', pid: 7 });
  at.world.clock.startTimer(5_000, () => at.claims.holders.clear());
  expect(await at.problems()).toEqual([]);
  const began = at.world.clock.now();
  at.hold({ command: 'up', pid: 7 });
  const check = (await at.examine()).find(({ name }) => name === 'handshake');
  expect(check?.text).toBe('Skipped: arctun up (pid 7) is already using this SIM.');
  expect(at.world.clock.now() - began).toBeLessThan(1_000);
  at.hold({ command: 'send', pid: 8 });
  const late = (await at.examine()).find(({ name }) => name === 'rival');
  expect(late?.text).toBe(
    'Skipped: arctun send (pid 8) is already using this SIM, and did not exit within 30 s.',
  );
});

it('opens a tunnel on a system without claims', async () => {
  at.claims.takeError = systemError('listen', 'EAFNOSUPPORT');
  expect(await at.problems()).toEqual([]);
});

it('ends with the reason of a stop, and frees the SIM', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  at.world.clock.startTimer(1_000, () => stop.abort(reason));
  await expect(at.examine({ signal: stop.signal })).rejects.toBe(reason);
  expect(at.claims.holders.size).toBe(0);
});

it('finds another tunnel with the same key, and nothing that it explains', async () => {
  const rival = await UserspaceTunnel.open(at.world.config(), at.world.ports, {
    watchForRivals: true,
  });
  const post = () => {
    const dialing = rival.dialer.dial({ host: SERVICE, port: 80 });
    dialing.then(
      (stream) => stream.on('error', () => undefined).destroy(),
      () => undefined,
    );
    timer = at.world.clock.startTimer(500, post);
  };
  let timer = at.world.clock.startTimer(500, post);
  await at.world.advance(7_000);
  expect(await at.problems({ rival: true })).toMatchObject([
    { name: 'rival', text: 'Another tunnel is using this SIM.' },
  ]);
  timer.cancel();
  await rival.close({ gracePeriod: 0 });
});
