import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { parseKey } from '../../../src/arc-config/value-syntax.js';
import { diagnoseSim } from '../../../src/app/sim/diagnose-sim.js';
import type { SimResponse } from '../../../src/soracom/client/responses.js';
import {
  PRIVATE_KEY,
  PUBLIC_KEY,
  SAMPLE,
  sampleWithSession,
  SERVER_KEY,
} from '../../arc-config/sample.js';
import { sim } from '../fake-soracom.js';

const SESSION = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'link.arc.soracom.io:11010',
  arcAllowedIPs: ['54.250.252.67/32', '100.127.0.0/21'],
  arcClientPeerIpAddress: '10.0.0.2',
};
const OTHER_KEY = SERVER_KEY;

const profileWith = (arcClientPeerPublicKey: string) => ({
  a: {
    iccid: undefined,
    primaryImsi: undefined,
    arcClientPeerPublicKey,
    arcClientPeerPrivateKey: undefined,
  },
});
const online = (value: boolean | undefined) => ({
  online: value,
  lastUpdatedAt: undefined,
  ueIpAddress: undefined,
  imsi: undefined,
  placement: undefined,
});

const simWith = (rest: Partial<SimResponse> = {}) =>
  sim('1', {
    profiles: profileWith(PUBLIC_KEY),
    arcSessionStatus: SESSION,
    sessionStatus: online(true),
    ...rest,
  });

/** The sample's keys are not a pair: here the public key is declared to match. */
const publicKeyOf = (privateKey: Uint8Array) => {
  expect(Buffer.from(privateKey).toString('base64')).toBe(PRIVATE_KEY);
  return parseKey(PUBLIC_KEY)!;
};
const diagnose = (answer = simWith(), text = SAMPLE) =>
  diagnoseSim(
    answer,
    {
      config: parseArcConfig(text, { path: 'arc.json' }),
      source: '/etc/arc/van.json',
      path: '/etc/arc/van.json',
    },
    publicKeyOf,
  );

it('finds nothing if the two agree, in whatever order the networks are', () => {
  expect(diagnose()).toEqual([]);
});

it('reports a terminated SIM, and then nothing else', () => {
  const answer = simWith({ status: 'terminated', arcSessionStatus: undefined, profiles: {} });
  expect(diagnose(answer)).toEqual([
    {
      kind: 'terminated',
      problem: 'The SIM is terminated and cannot open a tunnel.',
      next: 'Move /etc/arc/van.json to another folder, and run `arctun bootstrap authkey --config /etc/arc/van.json` to create another SIM, which will be billed.',
    },
  ]);
});

describe('keys', () => {
  it('report that the SIM has another one', () => {
    const [finding, ...more] = diagnose(simWith({ profiles: profileWith(OTHER_KEY) }));
    expect(more).toEqual([]);
    expect(finding?.kind).toBe('other-key');
    expect(finding?.problem).toBe(
      `The SIM's public key is ${OTHER_KEY}, but the key in /etc/arc/van.json has the public key ${PUBLIC_KEY}. The server does not answer handshakes with that key.`,
    );
    expect(finding?.next).toContain('`arctun sim renew-key --config /etc/arc/van.json`');
  });
});

describe('sessions', () => {
  const REFRESH =
    'Run `arctun bootstrap authkey --config /etc/arc/van.json` to create a new session in /etc/arc/van.json.';

  it.each([
    ['no session', { arcSessionStatus: undefined }],
    ['a session that is not live', { sessionStatus: online(false) }],
  ])('report that SORACOM has %s', (_, changes) => {
    expect(diagnose(simWith(changes))).toEqual([
      {
        kind: 'no-session',
        problem: 'The SIM has no session, so the server does not answer handshakes.',
        next: REFRESH,
      },
    ]);
  });

  it.each([
    [
      { arcServerPeerPublicKey: PUBLIC_KEY },
      `Server key: ${SERVER_KEY} in SORACOM, but ${PUBLIC_KEY} in /etc/arc/van.json.`,
    ],
    [
      { arcServerEndpoint: 'a:1' },
      'Endpoint: link.arc.soracom.io:11010 in SORACOM, but a:1 in /etc/arc/van.json.',
    ],
    [
      { arcServerEndpoint: '[2001:db8::1]:1' },
      'Endpoint: link.arc.soracom.io:11010 in SORACOM, but [2001:db8::1]:1 in /etc/arc/van.json.',
    ],
    [
      { arcServerEndpoint: undefined },
      'Endpoint: link.arc.soracom.io:11010 in SORACOM, but none in /etc/arc/van.json.',
    ],
    [
      { arcAllowedIPs: ['100.127.0.0/21'] },
      'Allowed IPs: 100.127.0.0/21, 54.250.252.67/32 in SORACOM, but 100.127.0.0/21 in /etc/arc/van.json.',
    ],
    [
      { arcAllowedIPs: null },
      'Allowed IPs: 100.127.0.0/21, 54.250.252.67/32 in SORACOM, but none in /etc/arc/van.json.',
    ],
    [
      { arcClientPeerIpAddress: '10.0.0.3' },
      'Address: 10.0.0.2 in SORACOM, but 10.0.0.3 in /etc/arc/van.json.',
    ],
  ])('report the difference: %j', (changes, problem) => {
    expect(diagnose(simWith(), sampleWithSession(changes))).toEqual([
      { kind: 'other-session', problem, next: REFRESH },
    ]);
  });
});
