import type { ArcConfig } from '../../../src/arc-config/arc-config.js';
import { formatKey } from '../../../src/arc-config/value-syntax.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { finishRenewal, renewKey, renewKeyStep } from '../../../src/app/bootstrap/key-renewal.js';
import { SimJournal, type JournalStep } from '../../../src/app/bootstrap/sim-journal.js';
import type { KeyPair } from '../../../src/lib/secrets/key-pair.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { MemoryJournals } from '../../arc-config/memory-journals.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { ApiError } from '../../../src/soracom/api-error.js';
import { failureOf } from '../failure-of.js';
import { apiError, FakeSoracom } from '../fake-soracom.js';

const TARGET = 'arc.json';
const SIM_ID = '8942310022000012345';
const KEY_PAIR: KeyPair = {
  privateKey: new Secret(new Uint8Array(32).fill(7)),
  publicKey: new Uint8Array(32).fill(8),
};
const PUBLIC_KEY = formatKey(KEY_PAIR.publicKey);
const CONFIG = parseArcConfig(SAMPLE, { path: TARGET });
const ENTRY = renewKeyStep(SIM_ID, KEY_PAIR);
const RENEWAL = `renewArcSimCredentials ${SIM_ID} ${PUBLIC_KEY}`;

let api: FakeSoracom;
let journals: MemoryJournals;
let written: ArcConfig[];
beforeEach(() => {
  api = new FakeSoracom();
  journals = new MemoryJournals();
  written = [];
});

const write = (config: ArcConfig) => {
  written.push(config);
  return Promise.resolve();
};
const startWith = async (step: JournalStep) => {
  const journal = new SimJournal(journals, TARGET);
  await journal.add(step);
  return journal;
};
const newJournal = () => startWith(ENTRY);
const otherJournal = () =>
  startWith({
    step: 'create-sim',
    since: 1,
    clock: 'platform',
    endpoint: 'https://api.soracom.io',
    ownKey: true,
  });
/** With a separate journal. */
const renewAlone = async (to: typeof write = write) =>
  renewKey({ config: CONFIG, journal: await newJournal(), api, write: to }, 'journal-ends');
/** As a step of a run whose journal has other entries. */
const renewAfterOther = async (ifRefused: Parameters<typeof renewKey>[1]) => {
  const journal = await otherJournal();
  await journal.add(ENTRY);
  return renewKey({ config: CONFIG, journal, api, write }, ifRefused);
};
const leftover = async () => {
  const journal = await SimJournal.open(journals, TARGET);
  return journal.line === 'none' ? undefined : journal.progress;
};
const privateKeyOf = ({ privateKey }: ArcConfig) => privateKey.expose();

describe('a renewal', () => {
  it('has the private key in the journal before SORACOM receives the public one', async () => {
    const seen: unknown[] = [];
    api.onCall = () => seen.push(journals.lines.get(TARGET)?.at(-1));
    await renewAfterOther('journal-ends');
    expect(seen[0]).toBe(JSON.stringify(ENTRY));
    expect(ENTRY.privateKey).toBe(formatKey(KEY_PAIR.privateKey.expose()));
  });

  it('writes the key as soon as SORACOM has it, then the session, and keeps the rest', async () => {
    const order: string[] = [];
    api.onCall = (call) => order.push(call);
    const whole = await renewAlone((config) => {
      order.push(config.arcSessionStatus === CONFIG.arcSessionStatus ? 'key' : 'session');
      return write(config);
    });
    expect(order).toEqual([RENEWAL, 'key', `createArcSession ${SIM_ID}`, 'session']);
    expect(privateKeyOf(written[0]!)).toEqual(KEY_PAIR.privateKey.expose());
    expect(whole).toMatchObject({ simId: SIM_ID, mtu: 1380, publicKey: KEY_PAIR.publicKey });
    expect(whole.arcSessionStatus?.arcClientPeerIpAddress).toBe('10.9.8.7');
    expect(written[1]).toBe(whole);
    expect(journals.lines.size).toBe(0);
  });

  it('sends no key to SORACOM that is not in the journal', async () => {
    const renewal = { config: CONFIG, journal: await otherJournal(), api, write };
    await expect(renewKey(renewal, 'journal-ends')).rejects.toThrow(RangeError);
    expect(api.calls).toEqual([]);
  });

  it.each([400, 401, 403, 404])(
    'leaves the SIM unchanged if it is refused with %d',
    async (status) => {
      api.failures.set('renewArcSimCredentials', apiError(status));
      const error = await failureOf(renewAlone());
      expect(error).toMatchObject({ kind: 'api', why: `HTTP ${status}` });
      expect(written).toEqual([]);
      expect(await leftover()).toBeUndefined();
    },
  );

  it.each([
    ['no answer', apiError(undefined)],
    [
      'a refusal after a 502',
      new ApiError(
        'refused',
        { what: 'cannot do that', why: 'HTTP 403', next: [] },
        { status: 403, mayBeDone: true },
      ),
    ],
    ['a gateway error', apiError(502)],
    ['a redirect', apiError(302)],
    ['too many requests, perhaps after a 502', apiError(429)],
    ['an answer of another kind', apiError(403, 'unintelligible')],
  ])('stays in the journal if it may have happened: %s', async (_, failure) => {
    api.failures.set('renewArcSimCredentials', failure);
    const error = await failureOf(renewAfterOther('journal-ends'));
    expect(error).toMatchObject({ kind: 'api', cause: failure });
    expect(error.next.at(-1)).toMatch(/Try again.*may already have the new key/);
    expect((await leftover())?.renewKey).toEqual(ENTRY);
  });

  it('reports where the key is if arc.json cannot be written', async () => {
    const full = new UserError('failed', { what: 'cannot write arc.json', why: 'disk full' });
    const error = await failureOf(renewAlone(() => Promise.reject(full)));
    expect(error.what).toBe(`SIM ${SIM_ID} has a new key, but its arc.json could not be written`);
    expect(error.why).toBe('cannot write arc.json: disk full');
    expect(error.next.join(' ')).toContain('safe in arc.json.bootstrap');
    expect((await leftover())?.renewKey).toEqual(ENTRY);
  });

  it('reports that the key is stored even if the session is not', async () => {
    api.failures.set('createArcSession', apiError(403));
    const error = await failureOf(renewAlone());
    expect(error.what).toContain('was renewed and saved, but the SIM has no new session');
    expect(error.next).toEqual(['Do this.', 'Try again to continue.']);
    expect(privateKeyOf(written[0]!)).toEqual(KEY_PAIR.privateKey.expose());
    expect((await leftover())?.renewKey).toEqual(ENTRY);
  });

  it('never shows its private key in an error', async () => {
    api.failures.set('createArcSession', apiError(500));
    const error = await failureOf(renewAlone());
    expect(JSON.stringify([error, error.message, error.next])).not.toContain(ENTRY.privateKey);
  });
});

describe('renewKey after other steps', () => {
  it('removes its journal after a refusal', async () => {
    api.failures.set('renewArcSimCredentials', apiError(403));
    await failureOf(renewAfterOther('journal-ends'));
    expect(journals.lines.size).toBe(0);
  });
});

describe('finishRenewal', () => {
  it('asks again with the same key, and ends the journal', async () => {
    await finishRenewal({ config: CONFIG, journal: await newJournal(), api, write });
    expect(api.work).toEqual([RENEWAL, `createArcSession ${SIM_ID}`]);
    expect(written).toHaveLength(2);
    expect(journals.lines.size).toBe(0);
  });

  it.each([400, 403, 404])(
    'keeps a key that an earlier run may have set, even if the answer is %d',
    async (status) => {
      api.failures.set('renewArcSimCredentials', apiError(status));
      const error = await failureOf(
        finishRenewal({ config: CONFIG, journal: await newJournal(), api, write }),
      );
      expect(error.kind).toBe('api');
      expect(error.what).toBe(
        `cannot finish the key renewal that an earlier run started for SIM ${SIM_ID}`,
      );
      expect(error.next.join(' ')).toContain(
        'Keep arc.json.bootstrap: the SIM may already be using the key in this file',
      );
      expect((await leftover())?.renewKey).toEqual(ENTRY);
    },
  );
});
