import { OpenAPIBackend } from 'openapi-backend';

import { createHandlers } from '../../../src/emulator/api/all-operations.js';
import { OPENAPI_DOCUMENT } from '../../../src/emulator/api/openapi.js';
import { eventJson, simJson } from '../../../src/emulator/api/sim-json.js';
import { PlatformState } from '../../../src/emulator/platform-state.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, seededEntropy } from '../fakes.js';

const backend = new OpenAPIBackend({ definition: OPENAPI_DOCUMENT, strict: true });
beforeAll(() => backend.init());

const arcServer = { publicKey: new Uint8Array(32), endpoint: 'h:1' };

function platform(): PlatformState {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  return new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: [] });
}

it('is a valid OpenAPI document with these operations', () => {
  const operations = backend.getOperations().map(({ operationId, method, path, tags }) => {
    return `${tags?.join() ?? ''}:${operationId ?? ''} ${method} ${path}`;
  });
  expect(operations).toEqual([
    'Auth:auth post /auth',
    'Auth:logout post /auth/logout',
    'Auth:switchUser post /auth/switch_user',
    'Sim:listSims get /sims',
    'Sim:createSim post /sims',
    'Sim:getSim get /sims/{sim_id}',
    'Sim:createArcSession post /sims/{sim_id}/sessions/arc',
    'Sim:renewArcSimCredentials put /sims/{sim_id}/credentials/arc',
    'Sim:deleteSimSession post /sims/{sim_id}/delete_session',
    'Sim:listSimSessionEvents get /sims/{sim_id}/events/sessions',
    'Sim:sendDownlinkPing post /sims/{sim_id}/downlink/ping',
    'Sim:enableSimTermination post /sims/{sim_id}/enable_termination',
    'Sim:disableSimTermination post /sims/{sim_id}/disable_termination',
    'Sim:terminateSim post /sims/{sim_id}/terminate',
    'Sim:putSimTags put /sims/{sim_id}/tags',
    'Sim:deleteSimTag delete /sims/{sim_id}/tags/{tag_name}',
    'Sim:setSimGroup post /sims/{sim_id}/set_group',
    'Sim:unsetSimGroup post /sims/{sim_id}/unset_group',
    'Query:searchSims get /query/sims',
    'Group:listGroups get /groups',
    'Group:createGroup post /groups',
    'Group:getGroup get /groups/{group_id}',
    'Krypton:bootstrapArc post /provisioning/soracom/arc/bootstrap',
  ]);
  expect(OPENAPI_DOCUMENT.servers).toEqual([{ url: '/v1' }]);
});

it('has a handler for each operation', () => {
  const { handlers } = createHandlers({
    state: platform(),
    arcServer,
    network: new FakeArcNetwork(),
  });
  for (const { operationId = '' } of backend.getOperations()) {
    expect(handlers[operationId]).toBeInstanceOf(Function);
  }
});

it('requires key and token for all operations except auth and Krypton', () => {
  for (const { operationId = '', security } of backend.getOperations()) {
    const isOpen = ['auth', 'bootstrapArc'].includes(operationId);
    expect(security).toEqual(isOpen ? [] : [{ apiKey: [], token: [] }]);
  }
});

it('describes the SIMs and events that the emulator returns', () => {
  const { sims } = platform();
  const { sim, privateKey } = sims.create('OP0000000000')!;
  const shown = simJson(sim, arcServer, privateKey);
  expect(backend.validateResponse(shown, 'createSim', 201).errors).toBeNull();
  expect(backend.validateResponse({ ...shown, simId: 1 }, 'createSim', 201).errors).not.toBeNull();
  const all = [sims.line(), sims.bootstrapLine().sim, sims.terminate(sim)];
  const listed = all.map((one) => simJson(one, arcServer));
  expect(backend.validateResponse(listed, 'listSims', 200).errors).toBeNull();
  const events = sims.get(sim.simId)!.events.map((event) => eventJson(sim, event));
  expect(events).toHaveLength(2);
  expect(backend.validateResponse(events, 'listSimSessionEvents', 200).errors).toBeNull();
});
