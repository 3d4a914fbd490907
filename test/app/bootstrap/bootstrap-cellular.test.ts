import { bootstrapCellular } from '../../../src/app/bootstrap/bootstrap-cellular.js';
import type { KryptonResult } from '../../../src/app/bootstrap/krypton-target.js';
import { skeletonArcConfig } from '../../../src/arc-config/arc-config.js';
import { FileError } from '../../../src/ports/files.js';
import { formatArcConfig } from '../../../src/arc-config/format-arc-config.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { MemoryJournals } from '../../arc-config/memory-journals.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, SERVER_KEY } from '../../arc-config/sample.js';
import { json, RecordingServer, status, type Answer } from '../../soracom/recording-server.js';

const METADATA = 'GET /metadata/v1/subscriber';
const KRYPTON = 'POST /v1/provisioning/soracom/arc/bootstrap';
const SIM_ID = '8981100000000000001';
const TARGET = '/home/arc.json';

const SESSION = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'beck.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21'],
  arcClientPeerIpAddress: '10.9.8.7',
};
const ANSWER = { ...SESSION, arcClientPeerPrivateKey: PRIVATE_KEY };
const crypto = createNodeCrypto();
const publicKeyOf = (privateKey: Uint8Array) => crypto.publicKey(privateKey);
/** The public key of PRIVATE_KEY. */
const DERIVED = Buffer.from(publicKeyOf(Buffer.from(PRIVATE_KEY, 'base64'))).toString('base64');

const fresh = (simId: string) => `{
  "privateKey": "${PRIVATE_KEY}",
  "publicKey": "${DERIVED}",
  "simId": "${simId}",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "mtu": 1420,
  "persistentKeepalive": 60,
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "${SERVER_KEY}",
    "arcServerEndpoint": "beck.arc.soracom.io:11010",
    "arcAllowedIPs": [
      "100.127.0.0/21"
    ],
    "arcClientPeerIpAddress": "10.9.8.7"
  }
}
`;

let server: RecordingServer;
let files: MemoryFiles;
let journals: MemoryJournals;
let notes: string[];
let dumps: string;

beforeEach(async () => {
  files = new MemoryFiles();
  journals = new MemoryJournals();
  notes = [];
  dumps = '';
  server = await RecordingServer.start({
    [METADATA]: json({ simId: SIM_ID }),
    [KRYPTON]: json(ANSWER),
  });
});
afterEach(() => server.close());

interface Changes {
  readonly path?: string;
  readonly dumpConfig?: boolean;
  readonly metadataEndpoint?: string;
  readonly endpoint?: string;
  readonly platform?: string;
}

function bootstrap(changes: Changes = {}, signal?: AbortSignal): Promise<KryptonResult> {
  return bootstrapCellular(
    {
      path: 'arc.json',
      endpoint: server.url,
      metadataEndpoint: `${server.url}/metadata/`,
      userAgent: 'arctun/1',
      dumpConfig: false,
      rescueFolder: '/state',
      platform: 'linux',
      ...changes,
    },
    {
      files,
      journals,
      publicKeyOf,
      note: (line) => void notes.push(line),
      dump: (text) => void (dumps += text),
    },
    signal,
  );
}

async function failure(changes: Changes = {}): Promise<UserError> {
  const error = await bootstrap(changes).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

const answering = (call: string, answer: Answer) => server.answers.set(call, answer);

it('leaves the journal of another kind of bootstrap unfinished', async () => {
  journals.lines.set('arc.json', [
    '{"step":"create-sim","since":0,"clock":"platform","endpoint":"https://x","ownKey":false}',
  ]);
  expect(await failure()).toMatchObject({ kind: 'configuration' });
  expect(server.calls).toEqual([]);
  expect(journals.lines.has('arc.json')).toBe(true);
});

it('writes a new file as soratun does, with the ID from the metadata service', async () => {
  expect(await bootstrap()).toEqual({ simId: SIM_ID, path: TARGET, created: true });
  expect(files.texts.get(TARGET)).toBe(fresh(SIM_ID));
  expect(server.calls).toEqual([METADATA, KRYPTON]);
  expect(notes).toEqual([]);
});

it.each<[string, Answer]>([
  ['is off', status(403)],
  ['answers nonsense', status(200, '<html>')],
])('leaves the ID of a new file empty if the metadata service %s', async (_, answer) => {
  answering(METADATA, answer);
  expect(await bootstrap()).toMatchObject({ simId: '' });
  expect(files.texts.get(TARGET)).toBe(fresh(''));
  expect(notes).toEqual([expect.stringMatching(/^The metadata service did not report the SIM ID/)]);
});

it('keeps everything in a file except keys and session', async () => {
  const before = sampleWith({ simId: SIM_ID, mine: { a: [1] } });
  files.texts.set(TARGET, before);
  expect(await bootstrap()).toEqual({ simId: SIM_ID, path: TARGET, created: false });
  expect(JSON.parse(files.texts.get(TARGET)!)).toEqual({
    ...(JSON.parse(before) as object),
    privateKey: PRIVATE_KEY,
    publicKey: DERIVED,
    arcSessionStatus: SESSION,
  });
  // The same SIM is not copied twice.
  expect([...files.texts.keys()]).toEqual([TARGET]);
});

const COPY = `${TARGET}.8942310022000012345`;

describe('a file that may belong to another SIM', () => {
  it('is kept under another name if the SIM ID is unknown', async () => {
    answering(METADATA, status(403));
    files.texts.set(TARGET, SAMPLE);
    answering(KRYPTON, (response, request) => {
      expect(files.texts.get(COPY)).toBe(SAMPLE);
      json(ANSWER)(response, request);
    });
    await bootstrap();
    expect(files.texts.get(COPY)).toBe(SAMPLE);
    expect(notes.at(-1)).toBe(`${TARGET} may belong to another SIM. A copy was saved as ${COPY}.`);
  });

  it('keeps at most nine copies, the last of which is the newest', async () => {
    answering(METADATA, status(403));
    for (let run = 1; run <= 11; run++) {
      files.texts.set(TARGET, sampleWith({ run }));
      await bootstrap();
    }
    const copies = [...files.texts.keys()].filter((path) => path.startsWith(COPY));
    expect(copies).toHaveLength(9);
    expect(files.texts.get(COPY)).toContain('"run": 1\n');
    expect(files.texts.get(`${COPY}.8`)).toContain('"run": 8\n');
    expect(files.texts.get(`${COPY}.9`)).toContain('"run": 11\n');
  });
});

describe('a file of another SIM', () => {
  beforeEach(() => files.texts.set(TARGET, SAMPLE));

  it('is kept under another name before its key is overwritten', async () => {
    answering(KRYPTON, (response, request) => {
      expect(files.texts.get(COPY)).toBe(SAMPLE);
      json(ANSWER)(response, request);
    });
    await bootstrap();
    expect(files.texts.get(COPY)).toBe(SAMPLE);
    expect(files.texts.get(TARGET)).toContain(`"simId": "${SIM_ID}"`);
    expect(notes).toEqual([
      `${TARGET} belonged to SIM 8942310022000012345. A copy was saved as ${COPY}.`,
    ]);
  });
});

it.each<[string, () => void, string]>([
  ['is no JSON', () => files.texts.set(TARGET, '{'), 'configuration'],
  [
    'is a skeleton',
    () => files.texts.set(TARGET, formatArcConfig(skeletonArcConfig('linux'))),
    'configuration',
  ],
  [
    'cannot be read',
    () => files.failures.set(`readText ${TARGET}`, new FileError('denied', TARGET, 'no')),
    'permission',
  ],
  [
    'cannot be written',
    () => files.failures.set(`proveWritable ${TARGET}`, new FileError('denied', TARGET, 'no')),
    'permission',
  ],
])('does not call Krypton if the target %s', async (_, prepare, kind) => {
  prepare();
  expect(await failure()).toMatchObject({ kind });
  expect(server.calls).toEqual([]);
});

it.each<[string, Answer]>([
  ['nothing', json({})],
  ['a part', json({ ...ANSWER, arcAllowedIPs: null })],
  ['a zero key', json({ ...ANSWER, arcClientPeerPrivateKey: `${'A'.repeat(43)}=` })],
  ['a refusal of status 200', json({ code: 'KRY0001', message: 'no' })],
  ['a refusal', json({ code: 'KRY0001', message: 'no' }, 400)],
  ['a page', status(200, '<html>sign in</html>')],
])('changes no file for an answer with %s', async (_, answer) => {
  files.texts.set(TARGET, sampleWith({ simId: SIM_ID }));
  const before = new Map(files.texts);
  answering(KRYPTON, answer);
  expect(await failure()).toMatchObject({ kind: 'api' });
  expect(files.texts).toEqual(before);
});

it('dumps the configuration without reading or writing a file', async () => {
  files.texts.set(TARGET, '{');
  const result = await bootstrap({ dumpConfig: true });
  expect('arcJson' in result && result.arcJson.expose()).toBe(fresh(SIM_ID));
  expect(files.calls).toEqual([]);
});

it('can be stopped before Krypton is called, but not afterwards', async () => {
  const controller = new AbortController();
  answering(METADATA, (response, request) => {
    controller.abort(new Error('stopped'));
    json({ simId: SIM_ID })(response, request);
  });
  await expect(bootstrap({}, controller.signal)).rejects.toThrow('stopped');
  expect(server.calls).toEqual([METADATA]);
  expect(notes).toEqual([]);

  const late = new AbortController();
  answering(METADATA, json({ simId: SIM_ID }));
  answering(KRYPTON, (response, request) => {
    late.abort(new Error('stopped'));
    json(ANSWER)(response, request);
  });
  await bootstrap({}, late.signal);
  expect(files.texts.get(TARGET)).toBe(fresh(SIM_ID));
});
