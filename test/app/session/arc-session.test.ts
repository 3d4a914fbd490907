import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import {
  readSession,
  readSessionOrNone,
  withSession,
} from '../../../src/app/session/arc-session.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { SAMPLE, sampleWith, sampleWithSession } from '../../arc-config/sample.js';
import { NEW_SESSION } from '../fake-soracom.js';

function errorOf(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error('no UserError');
}

const config = (text = SAMPLE) => parseArcConfig(text, { path: 'arc.json' });

it('creates a session from the API’s answer', () => {
  expect(readSession(NEW_SESSION, '1')).toMatchObject({
    arcServerEndpoint: { host: 'beck.arc.soracom.io', port: 11010 },
    arcAllowedIps: ['100.127.0.0/21', '100.127.10.0/28'],
    arcClientPeerIpAddress: '10.9.8.7',
  });
  expect(readSessionOrNone(NEW_SESSION)).toEqual(readSession(NEW_SESSION, '1'));
});

it.each([
  ['arcServerPeerPublicKey', 'short'],
  ['arcServerPeerPublicKey', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
  ['arcServerEndpoint', ''],
  ['arcAllowedIPs', ['nonsense']],
  ['arcClientPeerIpAddress', '10.0.0.0/8'],
])('rejects one whose %s is %j', (key, value) => {
  const odd = { ...NEW_SESSION, [key]: value };
  expect(readSessionOrNone(odd)).toBeUndefined();
  const error = errorOf(() => readSession(odd, '8942'));
  expect(error).toMatchObject({
    kind: 'api',
    what: 'cannot use the new Arc session of SIM 8942',
  });
  expect(error.why).toContain(key);
});

it('replaces the session completely and keeps fields added to the old one', () => {
  const before = config(sampleWithSession({ vpgId: 'v' }));
  const after = withSession(before, readSession(NEW_SESSION, '1'));
  expect(after.arcSessionStatus).toEqual({
    ...readSession(NEW_SESSION, '1'),
    unknownKeys: before.arcSessionStatus?.unknownKeys,
  });
  expect({ ...after, arcSessionStatus: undefined }).toEqual({
    ...before,
    arcSessionStatus: undefined,
  });
});

it('adds a session if the configuration has none', () => {
  const without = config(sampleWith({ arcSessionStatus: undefined }));
  expect(withSession(without, readSession(NEW_SESSION, '1')).arcSessionStatus).toMatchObject({
    arcClientPeerIpAddress: '10.9.8.7',
    unknownKeys: [],
  });
});
