import { checkAccount } from '../../../src/app/doctor/account-check.js';
import type { LoadedArcConfig } from '../../../src/app/config/load-arc-config.js';
import { MissingCredentialsError } from '../../../src/app/credentials/missing-credentials.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { sampleWithSession } from '../../arc-config/sample.js';
import { apiError, CREDENTIALS, FakeSoracom, sim } from '../fake-soracom.js';

const crypto = createNodeCrypto();
const config = parseArcConfig(sampleWithSession({}), { path: 'arc.json' });
const CONFIG: LoadedArcConfig = { config, original: config, source: 'arc.json', path: 'arc.json' };

let api: FakeSoracom;
let credentials: () => Promise<typeof CREDENTIALS>;

beforeEach(() => {
  api = new FakeSoracom();
  credentials = () => Promise.resolve(CREDENTIALS);
});

function check(arcConfig = CONFIG, signal = new AbortController().signal) {
  const account = { credentials: () => credentials(), createClient: () => api };
  return checkAccount(arcConfig, signal, { account, crypto });
}

it('is skipped without credentials, and without a SIM ID', async () => {
  credentials = () => Promise.reject(new MissingCredentialsError(['auth-key-id', 'auth-key']));
  const none = 'Skipped: no credentials for the SORACOM API.';
  expect((await check()).check).toEqual({ name: 'sim', outcome: 'skipped', text: none });
  const empty = { ...config, simId: '' };
  const { check: result } = await check({ ...CONFIG, config: empty });
  expect(result).toMatchObject({ outcome: 'skipped' });
  expect(api.calls).toEqual([]);
});

it('is skipped without the permission to read the SIM', async () => {
  api.failures.set('getSim', apiError(403));
  expect((await check()).check).toMatchObject({
    outcome: 'skipped',
    text: expect.stringContaining('Sim:getSim') as string,
  });
});

it('reports the first finding, and signs out', async () => {
  api.sims = [sim(config.simId, { status: 'terminated' })];
  expect(await check()).toMatchObject({
    finding: 'terminated',
    check: { outcome: 'failed', kind: 'tunnel', text: 'The SIM is terminated.' },
  });
  expect(api.calls.at(-1)).toBe('logout');
  api.sims = [sim(config.simId)];
  expect(await check()).toMatchObject({ finding: 'no-session' });
});

it('ends with the reason of a stop', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  credentials = () => {
    stop.abort(reason);
    return new Promise(() => undefined);
  };
  await expect(check(CONFIG, stop.signal)).rejects.toBe(reason);
});
