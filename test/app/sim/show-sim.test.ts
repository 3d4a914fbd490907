import { parseKey } from '../../../src/arc-config/value-syntax.js';
import { showSim, type ShowSimOptions } from '../../../src/app/sim/show-sim.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { PRIVATE_KEY, PUBLIC_KEY, SAMPLE } from '../../arc-config/sample.js';
import { apiError, NEW_SESSION, sim } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

const SIM_ID = '8942310022000012345';
const TARGET = '/home/arc.json';
const EVENT = {
  event: 'Created',
  time: 5,
  imsi: undefined,
  simId: undefined,
  sessionId: undefined,
  subscription: undefined,
  ueIpAddress: '10.9.8.7',
  vpgId: undefined,
  gatewayPublicIpAddress: undefined,
};

let ports: SimTestPorts;
beforeEach(() => {
  ports = simTestPorts();
  ports.files.texts.set(TARGET, SAMPLE);
  ports.api.sims = [
    sim(SIM_ID, {
      tags: { name: 'sensor' },
      lastModifiedTime: 7,
      terminationEnabled: false,
      arcSessionStatus: NEW_SESSION,
      sessionStatus: {
        online: true,
        lastUpdatedAt: 6,
        ueIpAddress: '10.9.8.7',
        imsi: '99999',
        placement: { infrastructureProvider: 'aws', region: 'ap-northeast-1' },
      },
      profiles: {
        x: {
          iccid: 'x',
          primaryImsi: '88888',
          arcClientPeerPublicKey: PUBLIC_KEY,
          arcClientPeerPrivateKey: new Secret(PRIVATE_KEY),
        },
      },
    }),
    sim('8942'),
  ];
});

const show = (options: Partial<ShowSimOptions> = {}) =>
  showSim(
    { config: 'arc.json', ...options },
    { ...ports, publicKeyOf: () => parseKey(PUBLIC_KEY)! },
  );

it('shows arc.json’s SIM if none is named', async () => {
  const { sim: shown, notes } = await show();
  expect(shown).toEqual({
    simId: SIM_ID,
    name: 'sensor',
    type: 'virtual',
    status: 'active',
    speedClass: 'arc.standard',
    groupId: undefined,
    tags: { name: 'sensor' },
    online: true,
    address: '10.9.8.7',
    createdTime: undefined,
    lastModifiedTime: 7,
    terminationEnabled: false,
    imsi: '99999',
    arcClientPeerPublicKey: PUBLIC_KEY,
    arcSessionStatus: NEW_SESSION,
    sessionStatus: ports.api.sims[0]?.sessionStatus,
  });
  expect(notes).toEqual([]);
  expect(ports.api.calls).toEqual(['auth', `getSim ${SIM_ID}`, 'logout']);
  expect(ports.profiles[0]?.authKeyId).toBe('keyId-abcdefgh');
});

describe('the diagnosis', () => {
  it('compares arc.json with SORACOM', async () => {
    const { arcConfig } = await show();
    expect(arcConfig?.source).toBe('arc.json');
    expect(arcConfig?.findings.map(({ problem }) => problem.split(':')[0])).toEqual([
      'Endpoint',
      'Allowed IPs',
      'Address',
    ]);
  });

  it.each([
    ['the arc.json of another SIM', SAMPLE],
    ['no arc.json', undefined],
  ])('is omitted for %s', async (_, text) => {
    if (text === undefined) ports.files.texts.clear();
    const report = await show({ simId: '8942' });
    expect(report.sim.simId).toBe('8942');
    expect(report.arcConfig).toBeUndefined();
  });
});

describe('events', () => {
  it('are shown if requested', async () => {
    ports.api.events = [EVENT];
    expect((await show()).events).toBeUndefined();
    expect((await show({ events: true })).events).toEqual([EVENT]);
    expect(ports.api.calls).toContain(`listSimSessionEvents ${SIM_ID} 20`);
  });

  it('are omitted if they may not be read', async () => {
    ports.api.failures.set('listSimSessionEvents', apiError(403));
    const report = await show({ events: true });
    expect(report.events).toBeUndefined();
    expect(report.notes.join(' ')).toContain('Sim:listSimSessionEvents');
    expect(report.sim.name).toBe('sensor');
  });
});
