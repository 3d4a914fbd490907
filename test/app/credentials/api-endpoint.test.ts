import { publicEndpoint } from '../../../src/app/credentials/api-endpoint.js';
import type { ArcProfile } from '../../../src/arc-config/arc-config.js';
import { Secret } from '../../../src/lib/secrets/secret.js';

const PROFILE: ArcProfile = {
  authKeyId: 'keyId-x',
  authKey: new Secret('secret-x'),
  endpoint: 'https://g.api.soracom.io',
  unknownKeys: [],
};
const NONE = { endpoint: undefined, coverage: undefined };

it.each([
  [NONE, undefined, 'https://api.soracom.io'],
  [NONE, { ...PROFILE, endpoint: '' }, 'https://api.soracom.io'],
  [NONE, PROFILE, 'https://g.api.soracom.io'],
  [{ ...NONE, coverage: 'jp' as const }, PROFILE, 'https://api.soracom.io'],
  [{ ...NONE, coverage: 'g' as const }, undefined, 'https://g.api.soracom.io'],
  [{ endpoint: 'http://127.0.0.1:1', coverage: 'g' as const }, PROFILE, 'http://127.0.0.1:1'],
])('chooses an endpoint for a request without credentials', (chosen, profile, expected) => {
  expect(publicEndpoint(chosen, profile)).toBe(expected);
});
