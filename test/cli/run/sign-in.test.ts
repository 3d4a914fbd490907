import { credentialsPort } from '../../../src/cli/run/sign-in.js';
import type { Context } from '../../../src/cli/context.js';
import { PrivateFileError } from '../../../src/ports/private-files.js';
import { exposed } from '../../app/credentials/exposed.js';

/** A pipe can be read only once. */
class Pipes {
  readonly texts = new Map<string, string>();
  readonly privateFiles = {
    readText: (path: string): Promise<string> => {
      const text = this.texts.get(path);
      this.texts.set(path, '');
      if (text !== undefined) return Promise.resolve(text);
      return Promise.reject(new PrivateFileError('absent', 'no such file'));
    },
    readStandardInput: () => Promise.resolve('secret-stdin\n'),
  };
}

let pipes: Pipes;
beforeEach(() => {
  pipes = new Pipes();
  pipes.texts.set('/dev/fd/63', 'secret-piped\n');
});

function contextWith(parts: { isInteractive: boolean; signal?: AbortSignal }): Context {
  return {
    env: {},
    homeFolder: () => '/home/me',
    privateFiles: () => Promise.resolve(pipes.privateFiles),
    commands: () => Promise.resolve({ run: () => Promise.reject(new Error('no program')) }),
    stopSignal: () => Promise.resolve(parts.signal ?? new AbortController().signal),
    isInteractive: () => parts.isInteractive,
  } as unknown as Context;
}

it('asks for values that a pipe did not provide, and reads the pipe once', async () => {
  const asked: unknown[] = [];
  const stop = new AbortController().signal;
  const credentials = await credentialsPort(
    contextWith({ isInteractive: true, signal: stop }),
    { 'auth-key-file': '/dev/fd/63' },
    'sign in',
    {
      onWizard: () => asked.push('wizard'),
      ask: (missing, signal) => {
        asked.push(missing, signal);
        return Promise.resolve({ 'auth-key-id': 'keyId-typed', 'coverage-type': 'jp' });
      },
    },
  );
  expect(exposed(await credentials(undefined))).toEqual({
    signIn: { kind: 'auth-key', authKeyId: 'keyId-typed', authKey: 'secret-piped' },
    endpoint: 'https://api.soracom.io',
    headers: {},
  });
  expect(asked.slice(0, 2)).toEqual(['wizard', ['auth-key-id', 'coverage-type']]);
  expect(asked[2]).toBe(stop);
});

it('does not ask without a terminal', async () => {
  const credentials = await credentialsPort(
    contextWith({ isInteractive: false }),
    { 'auth-key-file': '/dev/fd/63' },
    'sign in',
    { ask: () => Promise.reject(new Error('no terminal')) },
  );
  await expect(credentials(undefined)).rejects.toMatchObject({ kind: 'usage' });
});

it('reads standard input for -', async () => {
  const credentials = await credentialsPort(contextWith({ isInteractive: false }), {
    'auth-key-id': 'keyId-typed',
    'auth-key-file': '-',
    'coverage-type': 'g',
  });
  expect(exposed(await credentials(undefined))).toMatchObject({
    signIn: { authKeyId: 'keyId-typed', authKey: 'secret-stdin' },
  });
});
