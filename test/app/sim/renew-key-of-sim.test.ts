import { renewKeyOfSim, type RenewKeyOptions } from '../../../src/app/sim/renew-key-of-sim.js';
import { renewKeyStep } from '../../../src/app/bootstrap/key-renewal.js';
import { FileError } from '../../../src/ports/files.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { formatKey } from '../../../src/arc-config/value-syntax.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { publicKeyOf } from '../../../src/crypto/key-pair.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { SAMPLE, sampleWith } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { apiError, NEW_SESSION } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

const SIM_ID = '8942310022000012345';
const TARGET = '/home/arc.json';
const KEY_PAIR = {
  privateKey: new Secret(new Uint8Array(32).fill(7)),
  publicKey: new Uint8Array(32).fill(8),
};
const KEYS = {
  privateKey: formatKey(KEY_PAIR.privateKey.expose()),
  publicKey: formatKey(KEY_PAIR.publicKey),
};
const RENEWAL = `renewArcSimCredentials ${SIM_ID} ${KEYS.publicKey}`;

let ports: SimTestPorts;
let claims: FakeClaims;
let confirm: ((holder: string) => Promise<boolean>) | undefined;
beforeEach(() => {
  ports = simTestPorts();
  claims = new FakeClaims();
  confirm = undefined;
  ports.files.texts.set(TARGET, SAMPLE);
});

const renew = (options: Partial<RenewKeyOptions> = {}) =>
  renewKeyOfSim(
    { path: 'arc.json', platform: 'linux', yes: false, ...options },
    {
      ...ports,
      ...(confirm && { confirm }),
      claims,
      createKeyPair: () => KEY_PAIR,
      publicKeyOf,
    },
  );
const arcJson = () => JSON.parse(ports.files.texts.get(TARGET)!) as Record<string, unknown>;
const leave = (...steps: object[]) =>
  ports.journals.lines.set(
    'arc.json',
    steps.map((step) => JSON.stringify(step)),
  );

it('writes the new pair and the new session into arc.json, and keeps the rest', async () => {
  const result = await renew();
  expect(result).toEqual({
    simId: SIM_ID,
    path: TARGET,
    notes: ['The old key no longer works: restart any tunnel that is using it.'],
  });
  expect(arcJson()).toEqual({
    ...(JSON.parse(SAMPLE) as object),
    ...KEYS,
    arcSessionStatus: NEW_SESSION,
  });
  expect(ports.api.calls).toEqual(['auth', RENEWAL, `createArcSession ${SIM_ID}`, 'logout']);
  expect(ports.profiles[0]?.authKeyId).toBe('keyId-abcdefgh');
  expect(ports.journals.lines.size).toBe(0);
});

it('checks that arc.json is writable, and stores the key, before it is sent', async () => {
  const order: string[] = [];
  ports.files.onCall = (call) => order.push(call.split(' ')[0]!);
  ports.api.onCall = (call) => {
    order.push(call.split(' ')[0]!);
    if (call === RENEWAL) {
      expect(ports.journals.lines.get('arc.json')).toEqual([
        JSON.stringify(renewKeyStep(SIM_ID, KEY_PAIR)),
      ]);
    }
  };
  await renew();
  expect(order.slice(0, 5)).toEqual([
    'readText',
    'proveWritable',
    'auth',
    'renewArcSimCredentials',
    'replaceText',
  ]);
});

it('creates an arc.json for a named SIM if there is none', async () => {
  ports.files.texts.clear();
  await renew({ simId: SIM_ID });
  expect(arcJson()).toMatchObject({
    ...KEYS,
    simId: SIM_ID,
    interface: 'soratun0',
    arcSessionStatus: NEW_SESSION,
  });
});

describe('nothing is changed', () => {
  const refused = async (options: Partial<RenewKeyOptions> = {}) => {
    const before = ports.files.texts.get(TARGET);
    const error = await failureOf(renew(options));
    expect(ports.files.texts.get(TARGET)).toBe(before);
    expect(ports.api.work).toEqual([]);
    return error;
  };

  it('for another SIM than that of arc.json', async () => {
    const error = await refused({ simId: '8942' });
    expect(error.kind).toBe('usage');
    expect(error.why).toBe(`${TARGET} belongs to SIM ${SIM_ID}, not to SIM 8942`);
  });

  it.each(['', '890000xxxxxxxxxxxxx'])('for an arc.json whose SIM ID is %j', async (simId) => {
    ports.files.texts.set(TARGET, sampleWith({ simId }));
    expect(await refused()).toMatchObject({ kind: 'configuration', what: 'cannot renew the key' });
  });

  it.each([
    ['faulty', sampleWith({ mtu: 'x' }), undefined],
    ['unreadable', SAMPLE, new FileError('denied', TARGET, 'permission denied')],
    ['in no folder', SAMPLE, new FileError('no-folder', TARGET, 'no such folder')],
  ])('for an arc.json that is %s, even if its SIM is named', async (_, text, failure) => {
    ports.files.texts.set(TARGET, text);
    if (failure) ports.files.failures.set(`readText ${TARGET}`, failure);
    await refused({ simId: SIM_ID });
  });

  it.each([
    [
      'create-sim',
      {
        step: 'create-sim',
        since: 1,
        clock: 'platform',
        endpoint: 'https://api.soracom.io',
        ownKey: false,
      },
    ],
    ['created', { step: 'created', simId: SIM_ID }],
  ])('while a bootstrap is unfinished (%s)', async (_, step) => {
    leave(step, renewKeyStep(SIM_ID, KEY_PAIR));
    const error = await refused();
    expect(error.kind).toBe('failed');
    expect(error.next.join(' ')).toContain('`arctun bootstrap authkey` first');
    expect(ports.journals.lines.get('arc.json')).toHaveLength(2);
  });

  it('while the key renewal of another SIM is unfinished', async () => {
    leave({ ...renewKeyStep(SIM_ID, KEY_PAIR), simId: '8942' });
    const error = await refused();
    expect(error.kind).toBe('configuration');
    expect(error.why).toContain(
      'arc.json.bootstrap holds a key that an interrupted run created for SIM 8942',
    );
    expect(ports.journals.lines.size).toBe(1);
  });
});

it('finishes an interrupted renewal with the same key', async () => {
  ports.api.failures.set('renewArcSimCredentials', apiError(undefined));
  await failureOf(renew());
  ports.api.failures.clear();
  const other = { ...KEY_PAIR, publicKey: new Uint8Array(32).fill(9) };
  const { notes } = await renewKeyOfSim(
    { path: 'arc.json', platform: 'linux', yes: false },
    { ...ports, claims, publicKeyOf, createKeyPair: () => other },
  );
  expect(ports.api.work.filter((call) => call === RENEWAL)).toHaveLength(2);
  expect(notes[0]).toContain('created by an earlier, interrupted run');
  expect(arcJson()).toMatchObject(KEYS);
  expect(ports.journals.lines.size).toBe(0);
});

describe('while a local tunnel uses the old key', () => {
  const holder = 'arctun up (pid 1234) is using this SIM';

  beforeEach(() => {
    const { privateKey } = parseArcConfig(SAMPLE, { path: TARGET });
    const name = Buffer.from(publicKeyOf(privateKey.expose())).toString('hex');
    claims.holders.set(name, () => JSON.stringify({ command: 'up', pid: 1234 }));
  });

  it('changes nothing without a terminal for the question', async () => {
    expect(await failureOf(renew())).toMatchObject({
      kind: 'usage',
      message: `cannot renew the key: ${holder}, and a new key would stop its tunnel`,
      next: [
        'The key was not renewed.',
        'Stop that process first, or add --yes and restart the process afterwards.',
      ],
    });
    expect(ports.api.calls).toEqual([]);
    expect(ports.files.texts.get(TARGET)).toBe(SAMPLE);
  });

  it('asks, and changes nothing unless the answer is yes', async () => {
    const asked: string[] = [];
    confirm = (text) => Promise.resolve(asked.push(text) > 1);
    expect(await failureOf(renew())).toMatchObject({ kind: 'failed' });
    expect(ports.api.calls).toEqual([]);
    await renew();
    expect(asked).toEqual([holder, holder]);
    expect(ports.api.calls).toContain(RENEWAL);
  });
});
