import { ApiHarness, code, keyOf, UNKNOWN_SIM, user } from '../api-harness.js';

let api: ApiHarness;
let headers: Record<string, string>;

beforeEach(async () => {
  api = await new ApiHarness([user('reader', 'Sim:getSim')]).open();
  headers = await api.logIn();
});
afterEach(() => api.close());

const ping = (simId: string, body: object = {}, as = headers) =>
  api.post(`/v1/sims/${simId}/downlink/ping`, body, as);

const pings = () => api.arc.events.filter((event) => event.startsWith('ping'));

it('pings the address of the SIM, once for one second by default', async () => {
  const simId = await api.createSim();
  api.arc.handshake = 1;
  api.arc.roundTrip = 12.34;
  const { status, body } = await ping(simId);
  expect([status, body]).toEqual([200, { success: true, rtt: '12.3 ms', stat: 'reply' }]);
  await ping(simId, { numberOfPingRequests: 5, timeoutSeconds: 3 });
  expect(pings()).toEqual(['ping 10.0.0.2 1 1000', 'ping 10.0.0.2 5 3000']);
});

it('reports that the SIM does not reply, or has never connected', async () => {
  const simId = await api.createSim();
  const silent = { success: false, rtt: '', stat: 'no reply' };
  expect((await ping(simId)).body).toEqual(silent);
  expect(pings()).toEqual([]);
  api.arc.handshake = 1;
  expect((await ping(simId)).body).toEqual(silent);
  expect(pings()).toHaveLength(1);
});

it.each([
  { numberOfPingRequests: 6 },
  { numberOfPingRequests: 0 },
  { timeoutSeconds: 4 },
  { timeoutSeconds: 0.5 },
])('refuses %j', async (body) => {
  expect(code(await ping(await api.createSim(), body))).toEqual([400, 'COM0008']);
});

it('refuses SIMs that are unknown, terminated or offline', async () => {
  expect(code(await api.post(`${UNKNOWN_SIM}/downlink/ping`, {}, headers))).toEqual([
    404,
    'SEM0095',
  ]);
  const simId = await api.createSim();
  await api.request('POST', `/v1/sims/${simId}/delete_session`, { headers });
  expect(code(await ping(simId))).toEqual([400, 'SEM0016']);
  await api.request('POST', `/v1/sims/${simId}/enable_termination`, { headers });
  await api.request('POST', `/v1/sims/${simId}/terminate`, { headers });
  expect(code(await ping(simId))).toEqual([400, 'EMU0400']);
});

it('needs the permission Sim:sendDownlinkPing', async () => {
  const reply = await ping(await api.createSim(), {}, await api.logIn(keyOf('reader')));
  expect(code(reply)).toEqual([403, 'EMU0403']);
  expect(reply.text).toContain('Sim:sendDownlinkPing');
});
