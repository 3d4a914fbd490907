/** Checks each request of the client against the OpenAPI document that the emulator serves. */
import { OpenAPIBackend } from 'openapi-backend';

import { OPENAPI_DOCUMENT } from '../../src/emulator/api/openapi.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { SoracomClient } from '../../src/soracom/client/client.js';
import { bootstrapArc } from '../../src/soracom/krypton/krypton.js';
import { clientOf, KEY, TOKEN } from './client-under-test.js';
import { json, RecordingServer, type Recorded } from './recording-server.js';

const SIM = { simId: '8942', arcSessionStatus: undefined };
const SESSION = {
  arcServerPeerPublicKey: 'key',
  arcServerEndpoint: 'link.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21'],
  arcClientPeerIpAddress: '10.0.0.2',
  arcClientPeerPublicKey: 'ours',
};
const PUBLIC_KEY = Buffer.alloc(32, 7).toString('base64');

const backend = new OpenAPIBackend({
  definition: OPENAPI_DOCUMENT,
  apiRoot: '/v1',
  strict: true,
  coerceTypes: true,
});
let server: RecordingServer;
beforeAll(async () => {
  await backend.init();
  server = await RecordingServer.start();
  for (const call of ['POST /v1/auth', 'POST /v1/auth/switch_user']) {
    server.answers.set(call, json(TOKEN));
  }
  server.answers.set('POST /v1/sims', json(SIM, 201));
  server.answers.set('POST /v1/sims/8942/sessions/arc', json(SESSION));
});
afterAll(() => server.close());

/** Makes every call of the client. Only the requests count, so the answers do not matter. */
async function callAll(client: SoracomClient): Promise<void> {
  const user = { operatorId: 'OP0012345678', userName: 'other' };
  const password = new Secret('p');
  const calls: Record<string, () => Promise<unknown>> = {
    auth: async () => {
      await client.auth(KEY, 300);
      await client.auth({ kind: 'root-user', email: 'a@example.com', password }, 300);
      await client.auth({ kind: 'sam-user', ...user, password, mfaOtpCode: password }, 300);
      await client.auth({ ...KEY, switchUser: user }, 300);
    },
    createSim: () => client.createSim(),
    getSim: () => client.getSim('8942'),
    listSims: () => client.listSims(),
    searchVirtualSims: () => client.searchVirtualSims(),
    createArcSession: () => client.createArcSession('8942'),
    renewArcSimCredentials: () => client.renewArcSimCredentials('8942', PUBLIC_KEY),
    putSimTags: () => client.putSimTags('8942', [{ tagName: 'name', tagValue: 'x' }]),
    getGroup: () => client.getGroup('group'),
    setSimGroup: () => client.setSimGroup('8942', 'group'),
    enableSimTermination: () => client.enableSimTermination('8942'),
    terminateSim: () => client.terminateSim('8942'),
    listSimSessionEvents: () => client.listSimSessionEvents('8942', 10),
    sendDownlinkPing: () => client.sendDownlinkPing('8942'),
    logout: () => client.logout(),
  };
  const methods = Object.entries(Object.getOwnPropertyDescriptors(SoracomClient.prototype))
    .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
    .map(([name]) => name);
  // A new call of the client must be added here, too.
  expect(Object.keys(calls).toSorted()).toEqual(methods.toSorted());
  for (const call of Object.values(calls)) await call().catch(() => undefined);
}

/** The violations of the document in a request. */
function faultsOf({ method, url, headers, body }: Recorded): string[] {
  const [path = '', query = ''] = url.split('?');
  const request = { method, path, query, headers: headers as Record<string, string> };
  const operation = backend.matchOperation(request);
  if (operation === undefined) return [`${method} ${path} is no operation`];
  const faults: string[] = [];
  const type = headers['content-type'];
  if (operation.requestBody === undefined) {
    if (body !== '') faults.push('a body that the operation does not have');
    if (type !== undefined) faults.push(`Content-Type ${type} without a body`);
    if (headers['transfer-encoding'] !== undefined) faults.push('Transfer-Encoding without a body');
  } else if (type !== 'application/json') faults.push(`Content-Type ${String(type)}`);
  const known = (operation.parameters ?? []).map((parameter) =>
    'name' in parameter ? parameter.name : '',
  );
  for (const name of new URLSearchParams(query).keys()) {
    if (!known.includes(name)) faults.push(`the unknown parameter ${name}`);
  }
  const given = body === '' ? request : { ...request, body };
  const { errors } = backend.validateRequest(given, operation);
  faults.push(...(errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`));
  return faults.map((fault) => `${operation.operationId ?? ''}: ${fault}`);
}

it('sends what the document requires: body types, parameters, and no body if none is defined', async () => {
  await callAll(clientOf(server));
  await bootstrapArc({ endpoint: server.url, userAgent: 'x' }).catch(() => undefined);
  const operations = server.requests.map(({ method, url, headers }) =>
    String(
      backend.matchOperation({
        method,
        path: url.split('?')[0] ?? '',
        headers: headers as Record<string, string>,
      })?.operationId,
    ),
  );
  expect([...new Set(operations)].toSorted()).toEqual([
    'auth',
    'bootstrapArc',
    'createArcSession',
    'createSim',
    'enableSimTermination',
    'getGroup',
    'getSim',
    'listSimSessionEvents',
    'listSims',
    'logout',
    'putSimTags',
    'renewArcSimCredentials',
    'searchSims',
    'sendDownlinkPing',
    'setSimGroup',
    'switchUser',
    'terminateSim',
  ]);
  expect(server.requests.flatMap(faultsOf)).toEqual([]);
});
