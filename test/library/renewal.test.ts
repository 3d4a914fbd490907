/**
 * Tunnels of the library that renew their sessions. Most of the time is the wait until a server
 * counts as silent, so the cases run in parallel.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';

import {
  bootstrap,
  createTunnel,
  type ArcJson,
  type CreateTunnelOptions,
  type RenewalOptions,
  type TunnelRenewal,
  type UserspaceTunnel,
} from '../../src/index.js';
import { loadTunnelConfig } from '../../src/app/config/load-arc-config.js';
import { rereading } from '../../src/library/renewal.js';
import { systemFiles } from '../../src/system/files/files.js';
import { until } from '../support/until.js';
import { EmulatedAccount, failureOf } from './emulated-account.js';

let account: EmulatedAccount;
const open: UserspaceTunnel[] = [];
afterAll(async () => {
  await Promise.all(open.map((tunnel) => tunnel.close({ gracePeriod: 0 })));
  await account.close();
});
beforeAll(async () => {
  account = await EmulatedAccount.start();
});

let serial = 0;

/** A tunnel of a new SIM, with its events. */
class Renewing {
  readonly renewals: TunnelRenewal[] = [];
  readonly failures: string[] = [];
  readonly path = account.path(`renewing-${serial++}.json`);
  tunnel!: UserspaceTunnel;
  simId = '';

  async open(renewal: RenewalOptions, options: Partial<CreateTunnelOptions> = {}): Promise<this> {
    ({ simId: this.simId } = await bootstrap({ ...account.signIn, path: this.path }));
    const config = options.config ?? this.path;
    this.tunnel = await createTunnel({ ...options, config, renewal });
    open.push(this.tunnel);
    this.tunnel.on('renewed', (change) => this.renewals.push(change));
    this.tunnel.on('renewalFailed', ({ why }) => this.failures.push(why));
    return this;
  }

  get arcJson(): ArcJson {
    return JSON.parse(readFileSync(this.path, 'utf8')) as ArcJson;
  }

  moveTo(address: string): Promise<void> {
    return account.emulator.changeArc({ simId: this.simId, address });
  }

  deleteSession(): Promise<unknown> {
    return account.emulator.call('POST', `/sims/${this.simId}/delete_session`);
  }

  /** Sends messages until one is answered. */
  async postUntilAnswered(): Promise<void> {
    const post = async () => {
      const signal = AbortSignal.timeout(2_000);
      const init = { method: 'POST', body: 'x', signal };
      const answer = await this.tunnel.fetch('http://uni.soracom.io/', init).catch(() => undefined);
      return answer?.status === 201;
    };
    await until(post, { limit: 60_000, turn: () => this.turn() });
  }

  async turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  async untilFailed(): Promise<string> {
    const tryHandshake = async () => {
      this.tunnel.beginHandshake();
      await this.turn();
    };
    await until(() => this.failures.length > 0, { limit: 60_000, turn: tryHandshake });
    return this.failures[0] ?? '';
  }
}

describe('a tunnel with the renewal option', () => {
  it.concurrent(
    'saves a new session in its arc.json, and continues with it',
    async () => {
      const at = await new Renewing().open(account.signIn);
      const before = at.arcJson;
      await at.deleteSession();
      await at.postUntilAnswered();
      expect(at.renewals).toMatchObject([
        {
          why: ['The SIM has no session, so the server does not answer handshakes.'],
          savedIn: at.path,
        },
      ]);
      const { body } = await account.emulator.call('GET', `/sims/${at.simId}`);
      const { arcSessionStatus, ...rest } = at.arcJson;
      expect(body).toMatchObject({ arcSessionStatus });
      expect(before).toMatchObject(rest);
      expect(at.failures).toEqual([]);
    },
    90_000,
  );

  it.concurrent(
    'passes the configuration to save before the tunnel uses it',
    async () => {
      const at = new Renewing();
      const saved: { arcJson: ArcJson; addresses: readonly string[] }[] = [];
      const save = async (arcJson: ArcJson) => {
        const { addresses } = await at.tunnel.status();
        saved.push({ arcJson, addresses });
      };
      await at.open({ ...account.signIn, save });
      const before = readFileSync(at.path, 'utf8');
      await at.moveTo('10.9.8.7');
      await at.postUntilAnswered();
      expect(saved).toHaveLength(1);
      expect(saved[0]?.addresses).not.toContain('10.9.8.7');
      expect(saved[0]?.arcJson).toEqual({
        ...at.arcJson,
        arcSessionStatus: { ...at.arcJson.arcSessionStatus, arcClientPeerIpAddress: '10.9.8.7' },
      });
      expect(readFileSync(at.path, 'utf8')).toBe(before);
      expect(at.renewals).toMatchObject([{ changed: ['address'], savedIn: undefined }]);
      expect((await at.tunnel.status()).addresses).toEqual(['10.9.8.7']);
    },
    90_000,
  );

  it.concurrent(
    'saves in another file, and uses the session although save fails',
    async () => {
      const elsewhere = account.path('elsewhere.json');
      const at = await new Renewing().open({ ...account.signIn, save: elsewhere });
      const failing = await new Renewing().open({
        ...account.signIn,
        save: () => Promise.reject(new Error('no space')),
      });
      await Promise.all([at.moveTo('10.9.8.5'), failing.moveTo('10.9.8.4')]);
      await Promise.all([at.postUntilAnswered(), failing.postUntilAnswered()]);
      expect(at.renewals).toMatchObject([{ savedIn: elsewhere }]);
      expect(account.readJson('elsewhere.json')).toMatchObject({ simId: at.simId });
      expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
      expect(failing.failures).toEqual([
        'The new session could not be saved, because renewal.save failed: no space.',
      ]);
      expect(failing.renewals).toMatchObject([{ changed: ['address'], savedIn: undefined }]);
    },
    90_000,
  );

  it.concurrent(
    'reports missing credentials as an event, with the names of the options',
    async () => {
      const at = await new Renewing().open({});
      await at.deleteSession();
      const why = await at.untilFailed();
      expect(why).toMatch(/checking the session with SORACOM failed: cannot sign in to SORACOM/);
      expect(why).toContain('Pass the option credentials.authKeyId, or set ARCTUN_AUTH_KEY_ID.');
    },
    90_000,
  );

  it.concurrent(
    'gets a new key over the cellular line, saves it, and continues with it',
    async () => {
      const { api: endpoint, metadata: metadataEndpoint } = account.emulator;
      const line = { method: 'cellular', endpoint, metadataEndpoint } as const;
      const at = new Renewing();
      const { simId } = await bootstrap({ ...line, path: at.path });
      const before = at.arcJson;
      at.tunnel = await createTunnel({ config: at.path, renewal: line });
      open.push(at.tunnel);
      at.tunnel.on('renewed', (change) => at.renewals.push(change));
      at.simId = simId;
      await at.deleteSession();
      await at.postUntilAnswered();
      expect(at.renewals).toMatchObject([{ savedIn: at.path }]);
      expect(at.renewals[0]?.changed).toContain('private key');
      expect(at.arcJson.privateKey).not.toBe(before.privateKey);
      const { publicKey } = await at.tunnel.status();
      expect(publicKey).toBe(at.arcJson.publicKey);
    },
    90_000,
  );

  it.concurrent(
    'explains a first handshake that fails because the SIM is terminated',
    async () => {
      const path = account.path('terminated.json');
      const { simId } = await bootstrap({ ...account.signIn, path });
      await account.emulator.terminate(simId);
      const opening = createTunnel({ config: path, wait: 12_000, renewal: account.signIn });
      expect(await failureOf(opening)).toMatchObject({
        name: 'TunnelError',
        why: 'the SIM is terminated and cannot open a tunnel',
      });
    },
    60_000,
  );
});

it.each([
  ['an unknown option', { interval: 3 }, 'interval does not exist'],
  [
    'an option of another method',
    { method: 'cellular', kryptonCli: {} },
    'kryptonCli does not exist',
  ],
  ['an unknown method', { method: 'x' }, 'method must be api'],
  [
    'a function that saves a key of Krypton',
    { method: 'sim', save: () => 0 },
    'save must be of type string',
  ],
  [
    'Krypton without a file',
    { method: 'sim' },
    'Krypton replaces the key, which must be saved in a file',
  ],
  ['a wrong place to save', { save: 7 }, 'save has an invalid value'],
])('refuses %s', async (_what, renewal, why) => {
  const config = { privateKey: Buffer.alloc(32, 1).toString('base64') };
  expect(
    await failureOf(createTunnel({ config: await sample(config), renewal: renewal as never })),
  ).toMatchObject({
    kind: 'usage',
    what: 'cannot use the options of renewal',
    why,
  });
});

it('refuses a configuration without a SIM ID', async () => {
  const config = await sample({ simId: '' });
  expect(await failureOf(createTunnel({ config, renewal: {} }))).toMatchObject({
    message: 'cannot renew the session: the configuration does not contain a simId',
  });
});

it('refuses to save over the arc.json of another SIM', async () => {
  const config = await sample({});
  const save = account.path('other.json');
  writeFileSync(save, JSON.stringify({ ...(await sample({})), simId: '8942310000000000001' }));
  const before = readFileSync(save, 'utf8');
  expect(await failureOf(createTunnel({ config, renewal: { save } }))).toMatchObject({
    kind: 'configuration',
    why: 'the file belongs to another SIM or has another private key',
  });
  expect(readFileSync(save, 'utf8')).toBe(before);
});

describe('a renewal rereads', () => {
  const read = async (save: RenewalOptions['save']) => {
    const path = account.path('config.json');
    writeFileSync(path, JSON.stringify(await sample({})));
    const home = { files: systemFiles, stateFolder: account.path('arctun') };
    const reread = rereading(save, await loadTunnelConfig(path, home), home);
    return (await reread?.())?.path;
  };

  it('the file of the configuration', async () => {
    expect(await read(undefined)).toBe(account.path('config.json'));
  });

  it('the file in which sessions are saved, instead of an old session', async () => {
    const save = account.path('sessions.json');
    writeFileSync(save, JSON.stringify(await sample({})));
    expect(await read(save)).toBe(save);
  });

  it('no file if a function saves the sessions', async () => {
    expect(await read(() => undefined)).toBeUndefined();
  });
});

/** The arc.json of a SIM, with changes. */
async function sample(members: Partial<ArcJson>): Promise<object> {
  let arcJson: ArcJson | undefined;
  await bootstrap({ ...account.signIn, save: (one) => void (arcJson = one) });
  return { ...arcJson, ...members };
}
