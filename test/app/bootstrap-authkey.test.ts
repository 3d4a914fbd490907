import { inspect } from 'node:util';
import { bootstrapAuthkey, type BootstrapAuthkeyOptions } from '../../src/app/bootstrap-authkey.js';
import { BootstrapRescueError } from '../../src/app/bootstrap-rescue.js';
import { formatArcConfig } from '../../src/arc-config/format-arc-config.js';
import { skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { FileError } from '../../src/arc-config/files.js';
import { Secret } from '../../src/lib/secret.js';
import { UserError } from '../../src/lib/user-error.js';
import { SoracomClient } from '../../src/soracom/client.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { PRIVATE_KEY, PUBLIC_KEY, SAMPLE, sampleWith, SERVER_KEY } from '../arc-config/sample.js';
import { cut, json, RecordingServer, status, type Answer } from '../soracom/recording-server.js';

const SIM_ID = '8942310022000099999';
const SESSION = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'beck.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21', '100.127.10.0/28'],
  arcClientPeerIpAddress: '10.9.8.7',
};
const PROFILES = {
  '8942000000000000000': { iccid: '8942000000000000000' },
  '8942111111111111111': {
    arcClientPeerPrivateKey: PRIVATE_KEY,
    arcClientPeerPublicKey: PUBLIC_KEY,
  },
};
const SIM = { simId: SIM_ID, status: 'active', arcSessionStatus: SESSION, profiles: PROFILES };

const FRESH_HEAD = `{
  "privateKey": "${PRIVATE_KEY}",
  "publicKey": "${PUBLIC_KEY}",
  "simId": "${SIM_ID}",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "mtu": 1420,
  "persistentKeepalive": 60`;
const FRESH = `${FRESH_HEAD},
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "${SERVER_KEY}",
    "arcServerEndpoint": "beck.arc.soracom.io:11010",
    "arcAllowedIPs": [
      "100.127.0.0/21",
      "100.127.10.0/28"
    ],
    "arcClientPeerIpAddress": "10.9.8.7"
  }
}
`;
const TARGET = '/home/arc.json';
const RESCUE = `/state/arc.json.${SIM_ID}.rescue`;

let server: RecordingServer;
let files: MemoryFiles;
beforeEach(async () => {
  files = new MemoryFiles();
  server = await RecordingServer.start({
    'POST /v1/auth': json({ apiKey: 'api-1', token: 'token-1' }),
    'POST /v1/sims': json(SIM, 201),
    [`POST /v1/sims/${SIM_ID}/sessions/arc`]: json(SESSION),
    'POST /v1/sims/8942310022000012345/sessions/arc': json(SESSION),
    'POST /v1/auth/logout': status(204),
  });
});
afterEach(() => server.close());

function bootstrap(options: Partial<BootstrapAuthkeyOptions> = {}, signal?: AbortSignal) {
  return bootstrapAuthkey(
    {
      path: 'arc.json',
      authKeyId: 'keyId-1',
      authKey: new Secret('secret-1'),
      coverage: 'jp',
      rescueFolder: '/state',
      platform: 'linux',
      env: { ARCTUN_ENDPOINT: server.url },
      ...options,
    },
    {
      files,
      createClient: (endpoint, clientSignal) =>
        new SoracomClient({
          endpoint,
          userAgent: 'arctun/0',
          timeoutMs: 1000,
          ...(clientSignal && { signal: clientSignal }),
        }),
    },
    signal,
  );
}

function answering(call: string, answer: Answer): void {
  server.answers.set(call, answer);
}

async function errorOf(promise: Promise<unknown>): Promise<UserError> {
  const outcome: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof UserError) return outcome;
  throw new Error('no UserError', { cause: outcome });
}

async function rescueOf(promise: Promise<unknown>): Promise<BootstrapRescueError> {
  const error = await errorOf(promise);
  if (error instanceof BootstrapRescueError) return error;
  throw new Error('no BootstrapRescueError', { cause: error });
}

describe('a new SIM', () => {
  it('is written as soratun writes it, but without the profile', async () => {
    const result = await bootstrap();
    expect(result).toEqual({ simId: SIM_ID, path: TARGET, created: true });
    expect(files.texts.get(TARGET)).toBe(FRESH);
    expect(server.calls).toEqual(['POST /v1/auth', 'POST /v1/sims', 'POST /v1/auth/logout']);
    expect(server.requests[0]?.body).toBe(
      '{"authKeyId":"keyId-1","authKey":"secret-1","tokenTimeoutSeconds":300}',
    );
  });

  it('is on the disk before anything else is asked of the API', async () => {
    answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
    const seen: string[] = [];
    files.onCall = (call) => {
      if (call.startsWith('replaceText')) seen.push(`${call} after ${server.calls.join(', ')}`);
    };
    await bootstrap();
    expect(seen[0]).toBe(`replaceText ${TARGET} after POST /v1/auth, POST /v1/sims`);
    expect(server.calls).toEqual([
      'POST /v1/auth',
      'POST /v1/sims',
      `POST /v1/sims/${SIM_ID}/sessions/arc`,
      'POST /v1/auth/logout',
    ]);
    expect(files.texts.get(TARGET)).toBe(FRESH);
  });

  it('asks for a session when the one it got is of no use', async () => {
    const odd = { ...SIM, arcSessionStatus: { ...SESSION, arcAllowedIPs: ['nonsense'] } };
    answering('POST /v1/sims', json(odd, 201));
    await bootstrap();
    expect(files.texts.get(TARGET)).toBe(FRESH);
  });

  it('keeps the key when no session can be had, and a second run creates no second SIM', async () => {
    answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: null }, 201));
    answering(`POST /v1/sims/${SIM_ID}/sessions/arc`, json({ code: 'X', message: 'no' }, 403));
    const error = await errorOf(bootstrap());
    expect(error.what).toContain(`SIM ${SIM_ID} was created and its key is in ${TARGET}`);
    expect(error.kind).toBe('api');
    expect(files.texts.get(TARGET)).toBe(`${FRESH_HEAD}\n}\n`);

    answering(`POST /v1/sims/${SIM_ID}/sessions/arc`, json(SESSION));
    expect(await bootstrap()).toMatchObject({ created: false, simId: SIM_ID });
    expect(files.texts.get(TARGET)).toBe(FRESH);
    expect(server.calls.filter((call) => call === 'POST /v1/sims')).toHaveLength(1);
  });

  it('has the interface of its platform', async () => {
    await bootstrap({ platform: 'darwin' });
    expect(files.texts.get(TARGET)).toBe(FRESH.replace('soratun0', 'utun'));
  });

  it('is named when the answer has no private key', async () => {
    answering('POST /v1/sims', json({ ...SIM, profiles: { a: {} } }, 201));
    const error = await errorOf(bootstrap());
    expect(error.message).toContain(`SIM ${SIM_ID} was created`);
    expect(error.next.join(' ')).toContain('it is billed');
    expect(files.texts.size).toBe(0);
  });

  it('may exist when the answer is lost, and is not asked for twice', async () => {
    answering('POST /v1/sims', cut);
    const error = await errorOf(bootstrap());
    expect(error.next.join(' ')).toContain('may have been created');
    expect(server.calls.filter((call) => call === 'POST /v1/sims')).toHaveLength(1);
  });
});

describe('an arc.json that is there', () => {
  it('gets a new session and keeps all the rest, unknown members too', async () => {
    const before = JSON.parse(SAMPLE) as Record<string, object>;
    const text = sampleWith({
      note: 'mine',
      arcSessionStatus: { ...before.arcSessionStatus, vpgId: 'v' },
    });
    files.texts.set(TARGET, text);
    const result = await bootstrap();
    expect(result).toMatchObject({ created: false, simId: '8942310022000012345' });
    expect(JSON.parse(files.texts.get(TARGET) ?? '')).toEqual({
      ...before,
      note: 'mine',
      arcSessionStatus: { ...SESSION, vpgId: 'v' },
    });
    expect(server.calls).toEqual([
      'POST /v1/auth',
      'POST /v1/sims/8942310022000012345/sessions/arc',
      'POST /v1/auth/logout',
    ]);
    expect(server.requests[1]?.body).toBe('{}');
  });

  it('lends its profile, and what is given explicitly wins', async () => {
    const profile = { authKeyId: 'keyId-file', authKey: 'secret-file', endpoint: server.url };
    files.texts.set(TARGET, sampleWith({ profile }));
    const nothing = { authKeyId: undefined, authKey: undefined, coverage: undefined, env: {} };
    await bootstrap(nothing);
    expect(server.requests[0]?.body).toContain('"keyId-file","authKey":"secret-file"');
    await bootstrap();
    expect(server.requests[3]?.body).toContain('"keyId-1","authKey":"secret-1"');
  });

  it('stays as it was when the new session is of no use', async () => {
    files.texts.set(TARGET, SAMPLE);
    const odd = json({ ...SESSION, arcServerPeerPublicKey: 'short' });
    answering('POST /v1/sims/8942310022000012345/sessions/arc', odd);
    const error = await errorOf(bootstrap());
    expect(error).toMatchObject({ kind: 'api' });
    expect(error.message).toContain('arcServerPeerPublicKey');
    expect(files.texts.get(TARGET)).toBe(SAMPLE);
  });

  it.each([
    ['broken', '{"privateKey": ', 'found the end of the text'],
    ['empty', '', 'found the end of the text'],
    ['faulty', sampleWith({ mtu: '1420' }), 'mtu: found "1420"'],
    ['the skeleton', formatArcConfig(skeletonArcConfig('linux')), 'it is a skeleton'],
    ['without a simId', sampleWith({ simId: '' }), 'it has no simId'],
  ])('is refused when it is %s, and nothing is created', async (_, text, why) => {
    files.texts.set(TARGET, text);
    const error = await errorOf(bootstrap());
    expect(error.kind).toBe('configuration');
    expect(error.what).toBe(`nothing was created or changed for ${TARGET}`);
    expect(error.why).toContain(why);
    expect(error.next.join(' ')).toContain('move the file away');
    expect(server.calls).toEqual([]);
    expect(files.texts.get(TARGET)).toBe(text);
  });

  it('is refused when it cannot be read', async () => {
    const denied = new FileError('denied', TARGET, 'permission denied');
    files.failures.set(`readText ${TARGET}`, denied);
    const error = await errorOf(bootstrap());
    expect(error).toMatchObject({ kind: 'permission', cause: denied });
    expect(server.calls).toEqual([]);
  });
});

describe('before the first call', () => {
  it('the target is proved to be writable', async () => {
    files.onCall = (call) => {
      if (call.startsWith('proveWritable')) expect(server.calls).toEqual([]);
    };
    await bootstrap();
    expect(files.calls.slice(0, 2)).toEqual([`readText ${TARGET}`, `proveWritable ${TARGET}`]);
  });

  it.each(['denied', 'no-folder', 'failed'] as const)(
    'a target that is %s ends it',
    async (why) => {
      files.failures.set(`proveWritable ${TARGET}`, new FileError(why, TARGET, 'the reason'));
      const error = await errorOf(bootstrap());
      expect(error.why).toBe('it cannot be written: the reason');
      expect(server.calls).toEqual([]);
    },
  );

  it('all that is missing is named', async () => {
    const missing = { authKeyId: '', authKey: undefined, coverage: undefined, env: {} };
    const error = await errorOf(bootstrap(missing));
    expect(error).toMatchObject({
      kind: 'usage',
      missing: ['auth-key-id', 'auth-key', 'coverage-type'],
    });
  });

  it('an inline configuration is no place to write to', async () => {
    const error = await errorOf(bootstrap({ path: SAMPLE }));
    expect(error.kind).toBe('usage');
    expect(error.message).not.toContain('privateKey');
    expect(files.calls).toEqual([]);
  });

  it('a signal that has fired ends it', async () => {
    const reason = new Error('stopped');
    await expect(bootstrap({}, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(server.calls).toEqual([]);
  });
});

describe('when the new file cannot be written', () => {
  const full = new FileError('failed', TARGET, 'no space left on the device');

  it('is kept in the rescue folder', async () => {
    files.failures.set(`replaceText ${TARGET}`, full);
    const error = await rescueOf(bootstrap());
    expect(error).toMatchObject({ simId: SIM_ID, rescuePath: RESCUE, cause: full });
    expect(error.arcJson).toBeUndefined();
    expect(error.next[0]).toContain(RESCUE);
    expect(files.texts.get(RESCUE)).toBe(FRESH);
  });

  it('is handed over in the error when the rescue fails too, hidden from logs', async () => {
    files.failures.set(`replaceText ${TARGET}`, full);
    files.failures.set(`replaceText ${RESCUE}`, new FileError('denied', RESCUE, 'read-only'));
    const error = await rescueOf(bootstrap());
    expect(error.arcJson?.expose()).toBe(FRESH);
    expect(error.rescuePath).toBeUndefined();
    expect(error.why).toBe(`no space left on the device; ${RESCUE}: read-only`);
    expect(error.next[0]).toContain('follows on standard output');
    expect(inspect(error, { depth: 9 })).not.toContain(PRIVATE_KEY);
  });

  it('overwrites no file that another run has put there meanwhile', async () => {
    answering('POST /v1/sims', (response, request) => {
      files.texts.set(TARGET, 'of another run');
      json(SIM, 201)(response, request);
    });
    const error = await rescueOf(bootstrap());
    expect(error.why).toBe('a file has appeared there meanwhile');
    expect(files.texts.get(TARGET)).toBe('of another run');
    expect(files.texts.get(RESCUE)).toBe(FRESH);
  });

  it('makes a file name out of any id', async () => {
    files.failures.set(`replaceText ${TARGET}`, full);
    answering('POST /v1/sims', json({ ...SIM, simId: '../../etc/x' }, 201));
    const error = await rescueOf(bootstrap());
    expect(error.rescuePath).toBe('/state/arc.json.______etc_x.rescue');
  });

  it('a renewed session that cannot be written says so', async () => {
    files.texts.set(TARGET, SAMPLE);
    files.failures.set(`replaceText ${TARGET}`, full);
    const error = await errorOf(bootstrap());
    expect(error).toMatchObject({ kind: 'failed', what: `cannot write ${TARGET}` });
    expect(error).not.toBeInstanceOf(BootstrapRescueError);
  });
});

describe('signing out', () => {
  it.each([status(403), cut])('that fails is no failure', async (answer) => {
    answering('POST /v1/auth/logout', answer);
    await expect(bootstrap()).resolves.toMatchObject({ created: true });
  });

  it('happens after a failure as well', async () => {
    answering('POST /v1/sims', status(500));
    await errorOf(bootstrap());
    expect(server.calls.at(-1)).toBe('POST /v1/auth/logout');
  });

  it('is not tried when signing in failed', async () => {
    answering('POST /v1/auth', json({ code: 'AUM0002', message: 'bad key' }, 401));
    expect(await errorOf(bootstrap())).toMatchObject({ kind: 'api', status: 401 });
    expect(server.calls).toEqual(['POST /v1/auth']);
  });
});

it('a signal during createSim loses no key', async () => {
  const controller = new AbortController();
  answering('POST /v1/sims', (response, request) => {
    controller.abort(new Error('stopped'));
    json(SIM, 201)(response, request);
  });
  await bootstrap({}, controller.signal);
  expect(files.texts.get(TARGET)).toBe(FRESH);
});
