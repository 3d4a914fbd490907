import { Secret } from '../../../src/lib/secrets/secret.js';
import * as operations from '../../../src/soracom/client/operations.js';
import { KEY } from '../client-under-test.js';

const { authOperation, ...constants } = operations;

/** The API document's name for each, and whether repeating it is harmful. */
it.each<[operations.ApiOperation, string, string, boolean]>([
  [authOperation(KEY), 'POST', 'Auth:auth', true],
  [authOperation({ ...KEY, mfaOtpCode: new Secret('1') }), 'POST', 'Auth:auth', false],
  [operations.SWITCH_USER, 'POST', 'Auth:switchUser', true],
  [operations.LOGOUT, 'POST', 'Auth:logout', false],
  [operations.CREATE_SIM, 'POST', 'Sim:createSim', false],
  [operations.GET_SIM, 'GET', 'Sim:getSim', true],
  [operations.LIST_SIMS, 'GET', 'Sim:listSims', true],
  [operations.SEARCH_SIMS, 'GET', 'Query:searchSims', true],
  [operations.LIST_SIM_SESSION_EVENTS, 'GET', 'Sim:listSimSessionEvents', true],
  [operations.CREATE_ARC_SESSION, 'POST', 'Sim:createArcSession', true],
  [operations.RENEW_ARC_SIM_CREDENTIALS, 'PUT', 'Sim:renewArcSimCredentials', true],
  [operations.PUT_SIM_TAGS, 'PUT', 'Sim:putSimTags', true],
  [operations.GET_GROUP, 'GET', 'Group:getGroup', true],
  [operations.SET_SIM_GROUP, 'POST', 'Sim:setSimGroup', true],
  [operations.ENABLE_SIM_TERMINATION, 'POST', 'Sim:enableSimTermination', true],
  [operations.TERMINATE_SIM, 'POST', 'Sim:terminateSim', true],
  [operations.SEND_DOWNLINK_PING, 'POST', 'Sim:sendDownlinkPing', true],
])('%#: $permission', (operation, method, permission, repeatable) => {
  expect(operation).toMatchObject({ method, permission, repeatable });
});

it('only createSim creates a SIM', () => {
  const creating = Object.values(constants).filter(({ creates }) => creates);
  expect(creating).toEqual([operations.CREATE_SIM]);
});
