import { OpenAPIBackend } from 'openapi-backend';

import { OPENAPI_DOCUMENT } from '../../../src/emulator/api/openapi.js';
import { simJson } from '../../../src/emulator/api/sim-json.js';
import { PlatformState } from '../../../src/emulator/platform-state.js';
import { seededEntropy, fakeCrypto, FakeArcNetwork, FakeWallClock } from '../fakes.js';

const backend = new OpenAPIBackend({ definition: OPENAPI_DOCUMENT, strict: true });
beforeAll(() => backend.init());

it('is a valid OpenAPI document with the five operations', () => {
  const operations = backend.getOperations().map(({ operationId, method, path, tags }) => {
    return `${tags?.join() ?? ''}:${operationId ?? ''} ${method} ${path}`;
  });
  expect(operations).toEqual([
    'Auth:auth post /auth',
    'Auth:logout post /auth/logout',
    'Sim:createSim post /sims',
    'Sim:getSim get /sims/{sim_id}',
    'Sim:createArcSession post /sims/{sim_id}/sessions/arc',
  ]);
  expect(OPENAPI_DOCUMENT.servers).toEqual([{ url: '/v1' }]);
});

it('needs key and token everywhere but for auth', () => {
  for (const { operationId, security } of backend.getOperations()) {
    expect(security).toEqual(operationId === 'auth' ? [] : [{ apiKey: [], token: [] }]);
  }
});

it('describes the SIM that the emulator shows', () => {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  const state = new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: [] });
  const { sim, privateKey } = state.createSim()!;
  const shown = simJson(sim, { publicKey: arc.publicKey, endpoint: 'h:1' }, privateKey);
  expect(backend.validateResponse(shown, 'createSim', 201).errors).toBeNull();
  expect(backend.validateResponse({ ...shown, simId: 1 }, 'createSim', 201).errors).not.toBeNull();
});
