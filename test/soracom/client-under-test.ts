import { inspect } from 'node:util';
import { Secret } from '../../src/lib/secrets/secret.js';
import { ApiError } from '../../src/soracom/api-error.js';
import { SoracomClient } from '../../src/soracom/client/client.js';
import type { SoracomClientOptions } from '../../src/soracom/client/options.js';
import type { SignIn } from '../../src/soracom/auth/sign-in.js';
import { InstantClock } from './instant-clock.js';
import type { RecordingServer } from './recording-server.js';

export const KEY: SignIn = {
  kind: 'auth-key',
  authKeyId: 'keyId-abc',
  authKey: new Secret('secret-xyz'),
};

export const TOKEN = { apiKey: 'api-123', token: 'eyJ.token', operatorId: 'OP0012345678' };

/** A client of the server; its pauses take no time. */
export function clientOf(
  server: RecordingServer,
  options: Partial<SoracomClientOptions> = {},
): SoracomClient {
  return new SoracomClient({
    endpoint: server.url,
    userAgent: 'arctun/0.1.0 (x)',
    clock: new InstantClock(),
    random: () => 0,
    ...options,
  });
}

/** The error of a call that failed. */
export async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof ApiError) return outcome;
  throw new Error(`no ApiError but ${inspect(outcome)}`);
}
