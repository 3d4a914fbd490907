import { inspect } from 'node:util';
import type { CredentialChoice } from '../../../src/app/credentials/credential-choice.js';
import { MissingCredentialsError } from '../../../src/app/credentials/missing-credentials.js';
import { resolveCredentials } from '../../../src/app/credentials/resolve-credentials.js';
import type { ArcProfile } from '../../../src/arc-config/arc-config.js';
import { PrivateFileError } from '../../../src/ports/private-files.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { exposed, refusal } from './exposed.js';
import { MemoryPorts } from './memory-ports.js';

const ARC_PROFILE: ArcProfile = {
  authKeyId: 'keyId-arc',
  authKey: new Secret('secret-arc'),
  endpoint: 'https://g.api.soracom.io',
  unknownKeys: [],
};
const JAPAN = 'https://api.soracom.io';
const GLOBAL = 'https://g.api.soracom.io';

let ports: MemoryPorts;
beforeEach(() => {
  ports = new MemoryPorts();
});

function key(name: string): CredentialChoice {
  return { authKeyId: `keyId-${name}`, authKey: new Secret(`secret-${name}`) };
}

async function resolve(choice: CredentialChoice, profile?: ArcProfile) {
  const { signIn, endpoint } = await resolveCredentials(choice, profile, ports);
  return [...(Object.values(exposed(signIn) as object).slice(1) as unknown[]), endpoint];
}

async function missing(choice: CredentialChoice, profile?: ArcProfile): Promise<unknown> {
  const error = await refusal(resolve(choice, profile));
  if (error instanceof MissingCredentialsError) return error.missing;
  throw error;
}

describe('the priorities', () => {
  /** Each source has a different key, so that the winner is identified by its key. */
  const SOURCES: readonly [string, (choice: CredentialChoice) => CredentialChoice, boolean][] = [
    ['typed-key', (choice) => ({ ...choice, ...key('typed-key') }), true],
    ['typed-file', (choice) => ({ ...choice, authKeyFile: '/typed-file' }), true],
    ['typed-profile', (choice) => ({ ...choice, profile: 'typed-profile' }), true],
    [
      'arctun-key',
      (choice) => {
        ports.env.ARCTUN_AUTH_KEY_ID = 'keyId-arctun-key';
        ports.env.ARCTUN_AUTH_KEY = 'secret-arctun-key';
        return choice;
      },
      false,
    ],
    [
      'soracom-key',
      (choice) => {
        ports.env.SORACOM_AUTH_KEY_ID = 'keyId-soracom-key';
        ports.env.SORACOM_AUTH_KEY = 'secret-soracom-key';
        return choice;
      },
      false,
    ],
    [
      'arctun-file',
      (choice) => {
        ports.env.ARCTUN_AUTH_KEY_FILE = '/arctun-file';
        return choice;
      },
      false,
    ],
    [
      'arctun-profile',
      (choice) => {
        ports.env.ARCTUN_PROFILE = 'arctun-profile';
        return choice;
      },
      false,
    ],
    [
      'soracom-profile',
      (choice) => {
        ports.env.SORACOM_PROFILE = 'soracom-profile';
        return choice;
      },
      false,
    ],
    ['arc', (choice) => choice, false],
  ];

  beforeEach(() => {
    for (const name of ['typed-file', 'arctun-file']) {
      ports.files.set(`/${name}`, `keyId-${name} secret-${name}`);
    }
    for (const name of ['typed-profile', 'arctun-profile', 'soracom-profile']) {
      ports.profile(name, { authKeyId: `keyId-${name}`, authKey: `secret-${name}` });
    }
  });

  it.each(SOURCES.map(([name], index) => [name, index] as const))(
    '%s overrides all with lower priority',
    async (name, index) => {
      const isTyped = SOURCES[index]![2];
      const below = SOURCES.slice(index + 1).filter(([, , typed]) => !(isTyped && typed));
      let choice: CredentialChoice = SOURCES[index]![1]({ coverage: 'jp' });
      for (const [, give] of below) choice = give(choice);
      expect(await resolve(choice, ARC_PROFILE)).toEqual([
        `keyId-${name}`,
        `secret-${name}`,
        JAPAN,
      ]);
    },
  );

  it.each([
    [{ profile: 'a', authKeyFile: 'b' }, '--auth-key-file and --profile'],
    [{ profile: 'a', authKeyId: 'keyId-1' }, '--auth-key-id and --profile'],
    [{ profile: 'a', authKey: new Secret('secret-1') }, '--auth-key and --profile'],
    [{ authKeyFile: 'a', authKey: new Secret('secret-1') }, '--auth-key and --auth-key-file'],
    [{ ...key('1'), profile: 'a' }, '--auth-key-id and --auth-key and --profile'],
  ])('refuses two ways at once: %#', async (choice, flags) => {
    const error = await refusal(resolve(choice));
    expect(error).toMatchObject({ kind: 'usage', why: `${flags} cannot be used together` });
    expect(ports.log).toEqual([]);
  });
});

describe('the halves of a key', () => {
  it('are never combined with another key', async () => {
    const id = { authKeyId: 'keyId-1' };
    expect(await missing(id, ARC_PROFILE)).toEqual(['auth-key']);
    expect(await missing({ authKey: new Secret('secret-1') }, ARC_PROFILE)).toEqual([
      'auth-key-id',
    ]);
    ports.env = { ARCTUN_AUTH_KEY_ID: 'keyId-2', ARCTUN_AUTH_KEY: 'secret-2' };
    expect(await missing({ ...id, coverage: 'jp' })).toEqual(['auth-key']);
  });

  it('are completed by a source with only the other half', async () => {
    ports.env.SORACOM_AUTH_KEY = 'secret-env';
    expect(await resolve({ authKeyId: 'keyId-1', coverage: 'g' })).toEqual([
      'keyId-1',
      'secret-env',
      GLOBAL,
    ]);
    ports = new MemoryPorts();
    ports.files.set('/key', 'secret-file\n');
    ports.env.ARCTUN_AUTH_KEY_ID = 'keyId-env';
    expect((await resolve({ authKeyFile: '/key', coverage: 'g' })).slice(0, 2)).toEqual([
      'keyId-env',
      'secret-file',
    ]);
    expect(
      (await resolve({ authKeyId: 'keyId-1', authKeyFile: '/key', coverage: 'g' })).slice(0, 2),
    ).toEqual(['keyId-1', 'secret-file']);
  });
});

describe('a missing part', () => {
  it('is reported with the way to provide it', async () => {
    expect(await refusal(resolve({ authKeyId: '' }))).toMatchObject({
      kind: 'usage',
      message:
        'cannot sign in to SORACOM: missing: the auth key ID, the auth key, the coverage type (g or jp)',
      next: [
        'Pass --auth-key-id, or set ARCTUN_AUTH_KEY_ID.',
        'Pass --auth-key, or set ARCTUN_AUTH_KEY.',
        'Pass --coverage-type, or set ARCTUN_COVERAGE_TYPE.',
      ],
    });
    expect(await missing(key('1'))).toEqual(['coverage-type']);
  });

  it.each([
    ['a profile', '{"authKeyId":"keyId-1","authKey":"secret-1"}'],
    ['an unreadable one', new PrivateFileError('too-open', 'its mode is 0644')],
  ])('is never taken from the default profile, which is suggested: %s', async (_name, file) => {
    ports.files.set('/home/me/.soracom/default.json', file);
    const error = await refusal(resolve({ coverage: 'jp' }));
    expect(error).toBeInstanceOf(MissingCredentialsError);
    expect(error.next.at(-1)).toBe('Or use the soracom-cli profile "default": --profile default.');
    // A user who has given a part of a key does not need advice about profiles.
    expect((await refusal(resolve({ authKeyId: 'keyId-1' }))).next.join()).not.toContain('profile');
  });
});

describe('a key', () => {
  it('is checked only for its prefix, and is never shown', async () => {
    const swapped = { authKeyId: 'secret-x1', authKey: new Secret('keyId-x2'), coverage: 'jp' };
    const error = await refusal(resolve(swapped));
    expect(error).toMatchObject({
      kind: 'usage',
      why: 'the auth key ID must begin with "keyId-"',
    });
    expect(await refusal(resolve({ ...swapped, authKeyId: 'keyId-' }))).toMatchObject({
      why: 'the auth key must begin with "secret-"',
    });
    expect(inspect(error, { depth: 9 })).not.toMatch(/x1|x2/);
    expect(
      await resolve({ authKeyId: 'keyId-', authKey: new Secret('secret-'), coverage: 'g' }),
    ).toEqual(['keyId-', 'secret-', GLOBAL]);
  });
});

describe('the endpoint of an auth key', () => {
  describe('in arc.json', () => {
    const EVIL = { ...ARC_PROFILE, endpoint: 'https://evil.example/x' };

    it('receives the key from the same arc.json', async () => {
      expect((await resolve({}, EVIL))[2]).toBe('https://evil.example/x');
      // The author of the file knows this key.
      const same = { authKeyId: 'keyId-arc', authKey: new Secret(' secret-arc\n') };
      expect((await resolve(same, EVIL))[2]).toBe('https://evil.example/x');
    });

    it.each([
      ['https://evil.example'],
      ['https://api.soracom.io.evil.example'],
      ['https://api.soracom.io:8443'],
      ['http://127.0.0.1:9'],
    ])('receives no other key, unless it is SORACOM: %s', async (endpoint) => {
      ports.env.ARCTUN_AUTH_KEY_ID = 'keyId-env';
      ports.env.ARCTUN_AUTH_KEY = 'secret-env';
      const profile = { ...ARC_PROFILE, endpoint };
      for (const choice of [{}, key('typed')]) {
        const error = await refusal(resolve(choice, profile));
        expect(error).toMatchObject({ kind: 'configuration' });
        expect(error.why).toContain(
          `the API endpoint in arc.json (${new URL(endpoint).host}) does not belong to SORACOM`,
        );
        expect(error.next[0]).toBe('The key was not sent.');
      }
      expect((await resolve({ endpoint: 'https://typed.example' }, profile))[2]).toBe(
        'https://typed.example',
      );
      expect((await resolve({ coverage: 'g' }, profile))[2]).toBe(GLOBAL);
    });
  });

  it.each([{ coverage: 'us' }, { coverage: 'gl' }, { endpoint: 'soracom.io' }])(
    'is refused as wrong usage before anything is read: %j',
    async (choice) => {
      const error = await refusal(resolve({ profile: 'p', ...choice }));
      expect(error.kind).toBe('usage');
      expect(ports.log).toEqual([]);
    },
  );
});

describe('the endpoint of a profile', () => {
  const KEY = { authKeyId: 'keyId-1', authKey: 'secret-1' };

  async function endpointOf(profile: object, choice: CredentialChoice = {}): Promise<string> {
    ports.profile('p', { ...KEY, ...profile });
    const credentials = await resolveCredentials({ profile: 'p', ...choice }, ARC_PROFILE, ports);
    return credentials.endpoint;
  }

  it.each([
    [{}, JAPAN],
    [{ coverageType: '' }, JAPAN],
    [{ coverageType: 'jp' }, JAPAN],
    [{ coverageType: 'g' }, GLOBAL],
    [{ sandbox: true }, 'https://api-sandbox.soracom.io'],
    [{ sandbox: true, coverageType: 'g' }, 'https://g.api-sandbox.soracom.io'],
    [{ endpoint: 'https://own.example/', coverageType: 'g' }, 'https://own.example'],
  ])('%j', async (profile, endpoint) => {
    expect(await endpointOf(profile)).toBe(endpoint);
  });
});
