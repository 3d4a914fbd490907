/**
 * Tunnels of the library that renew their sessions. Most of the time is the wait until a server
 * counts as silent, so the cases run in parallel.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

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
import { keeping, rereading } from '../../src/library/renewal.js';
import { systemFiles } from '../../src/system/files/files.js';
import { until } from '../support/until.js';
import { EmulatedAccount, failureOf } from './emulated-account.js';
import { isLong } from '../support/runner/tier.js';

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
    await until(post, { limit: 60_000, turn: () => setTimeout(200) });
  }
}

// e2e/renewal.test.ts has the same wait in npm test.
(isLong ? describe : () => undefined)('a tunnel with the renewal option', () => {
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

/** The configuration of a SIM in a file. */
async function loaded() {
  const path = account.path('config.json');
  writeFileSync(path, JSON.stringify(await sample({})));
  const home = { files: systemFiles, stateFolder: account.path('arctun') };
  return { arcConfig: await loadTunnelConfig(path, home), home };
}

describe('a renewal saves', () => {
  const session = {
    arcServerPeerPublicKey: new Uint8Array(32).fill(9),
    arcServerEndpoint: { text: '192.0.2.1:11010', host: '192.0.2.1', port: 11010 },
    arcAllowedIps: ['100.127.0.0/16'],
    arcClientPeerIpAddress: '10.9.8.7',
    unknownKeys: [],
  };
  const renewed = { arcSessionStatus: { arcClientPeerIpAddress: '10.9.8.7' } };

  it('the whole configuration with a function, which may fail', async () => {
    const { arcConfig, home } = await loaded();
    let saved: ArcJson | undefined;
    const { keep } = keeping((arcJson) => void (saved = arcJson));
    expect(await keep!(arcConfig, session, home)).toMatchObject({ keptIn: 'renewal.save' });
    expect(saved).toMatchObject({ simId: arcConfig.config.simId, ...renewed });
    const failing = keeping(() => Promise.reject(new Error('no space')));
    expect(await failing.keep!(arcConfig, session, home)).toMatchObject({
      config: { arcSessionStatus: session },
      keptIn: undefined,
      notice: 'The new session could not be saved, because renewal.save failed: no space.',
    });
  });

  it('in another file', async () => {
    const { arcConfig, home } = await loaded();
    const elsewhere = account.path('elsewhere.json');
    expect(await keeping(elsewhere).keep!(arcConfig, session, home)).toMatchObject({
      keptIn: elsewhere,
    });
    expect(account.readJson('elsewhere.json')).toMatchObject(renewed);
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
  });
});

describe('a renewal rereads', () => {
  const read = async (save: RenewalOptions['save']) => {
    const { arcConfig, home } = await loaded();
    return (await rereading(save, arcConfig, home)?.())?.path;
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
