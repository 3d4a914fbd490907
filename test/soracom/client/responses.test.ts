import { inspect } from 'node:util';
import { createdSimAnswer, simAnswer } from '../../../src/soracom/client/responses.js';

const SESSION = {
  arcServerPeerPublicKey: 'key',
  arcServerEndpoint: 'link.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21'],
  arcClientPeerIpAddress: '10.0.0.2',
};
const SIM = {
  simId: '8942300000000000001',
  status: 'active',
  type: 'virtual',
  speedClass: 'arc.standard',
  groupId: 'g',
  tags: { name: 'mine' },
  createdTime: 1,
  lastModifiedTime: 2,
  terminationEnabled: false,
  activeProfileId: '8942300000000000001',
  sessionStatus: {
    online: true,
    lastUpdatedAt: 3,
    ueIpAddress: '10.0.0.2',
    imsi: '999990000000001',
    placement: { infrastructureProvider: 'aws', region: 'ap-northeast-1' },
  },
  arcSessionStatus: SESSION,
  profiles: {
    '8942300000000000001': {
      iccid: '8942300000000000001',
      primaryImsi: '999990000000001',
      arcClientPeerPublicKey: 'pub',
    },
  },
};

it('keeps the fields of a SIM that are shown', () => {
  expect(simAnswer.parse({ ...SIM, operatorId: 'OP', capabilities: {} })).toEqual(SIM);
});

const members = Object.keys(SIM).filter((name) => name !== 'simId');

it.each(members)('treats an invalid %s as absent', (name) => {
  for (const odd of [null, Symbol('odd'), [[]]]) {
    const sim = simAnswer.parse({ ...SIM, [name]: odd });
    expect(sim).toEqual({ ...SIM, [name]: undefined });
  }
});

it('treats only the invalid nested value as absent', () => {
  const sim = simAnswer.parse({
    simId: '1',
    tags: { name: 5, other: 'kept' },
    sessionStatus: { online: 'yes', imsi: 'kept', placement: { region: 5 } },
    profiles: { a: { iccid: 'kept', primaryImsi: 5 }, b: 'odd' },
  });
  expect(sim).toEqual({
    simId: '1',
    tags: { other: 'kept' },
    sessionStatus: { imsi: 'kept', placement: {} },
    profiles: { a: { iccid: 'kept' } },
  });
});

it.each([{}, { simId: '' }, { simId: 5 }, [], null, 'text'])('%j is not a SIM', (value) => {
  expect(simAnswer.safeParse(value).success).toBe(false);
});

describe('the answer to createSim', () => {
  const profiles = { '8942': { arcClientPeerPrivateKey: 'priv' } };

  it('is a SIM with its key hidden', () => {
    const sim = createdSimAnswer.parse({ simId: '1', profiles });
    expect(sim.simId).toBe('1');
    expect(sim.profiles?.['8942']?.arcClientPeerPrivateKey?.expose()).toBe('priv');
    expect(inspect(sim, { depth: 9 })).not.toContain("priv'");
  });

  it.each([
    ['missing', {}],
    ['empty', { simId: '' }],
    ['a number that JSON has rounded', { simId: 8.9423e18 }],
  ])('keeps the key if its simId is %s', (_, odd) => {
    const others = { a: { iccid: 'a' }, b: null };
    const sim = createdSimAnswer.parse({ ...odd, profiles: { ...others, ...profiles } });
    expect(sim.simId).toBe('8942');
    expect(sim.profiles?.['8942']?.arcClientPeerPrivateKey?.expose()).toBe('priv');
  });

  it.each([[{ profiles: { a: {} } }], [{ profiles: 5 }], [{}], [null], [[]]])(
    'is invalid without a simId and a key: %j',
    (value) => {
      expect(createdSimAnswer.safeParse(value).success).toBe(false);
    },
  );
});
