import { ARC_ALLOWED_IPS } from '../../../../src/emulator/services.js';
import type { ArcSim } from '../../../../src/emulator/sim.js';
import { fakeCrypto } from '../../fakes.js';
import { ApiHarness, code } from '../api-harness.js';

const PATH = '/v1/provisioning/soracom/arc/bootstrap';

let api: ApiHarness;

beforeEach(async () => {
  api = await new ApiHarness().open();
});
afterEach(() => api.close());

const line = () => api.state.sims.line() as ArcSim;

it('creates a tunnel for the line without credentials', async () => {
  const { status, body } = await api.post(PATH, {});
  expect(status).toBe(200);
  expect(body).toEqual({
    arcServerPeerPublicKey: Buffer.from(api.arc.publicKey).toString('base64'),
    arcServerEndpoint: '127.0.0.1:11010',
    arcAllowedIPs: ARC_ALLOWED_IPS,
    arcClientPeerPrivateKey: expect.any(String) as string,
    arcClientPeerIpAddress: '10.0.39.16',
  });
  const privateKey = Buffer.from(String(body.arcClientPeerPrivateKey), 'base64');
  expect(fakeCrypto.publicKey(Uint8Array.from(privateKey))).toEqual(line().arc.publicKey);
});

it('creates another key for the same subscription each time', async () => {
  const first = (await api.post(PATH, {})).body;
  const { arc } = line();
  const second = (await api.post(PATH, { keyId: 'x', requestParameters: null })).body;
  expect(second.arcClientPeerIpAddress).toBe(first.arcClientPeerIpAddress);
  expect(second.arcClientPeerPrivateKey).not.toBe(first.arcClientPeerPrivateKey);
  expect(line().arc.imsi).toBe(arc.imsi);
  expect(api.arc.peers.size).toBe(1);
});

it('is refused if the line is terminated', async () => {
  api.state.sims.terminate(line());
  expect(code(await api.post(PATH, {}))).toEqual([400, 'EMU0400']);
});

it.each(['', '[]', { keyId: 7 }])('rejects %j as malformed', async (body) => {
  expect(code(await api.post(PATH, body))).toEqual([400, 'COM0008']);
  expect(api.arc.peers.size).toBe(0);
});
