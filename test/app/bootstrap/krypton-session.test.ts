import { inspect } from 'node:util';

import { readKryptonSession } from '../../../src/app/bootstrap/krypton-session.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { PRIVATE_KEY, SERVER_KEY, ZERO_KEY } from '../../arc-config/sample.js';
import { thrownBy } from '../../proxy/support/thrown.js';

const ANSWER = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'link.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21', '100.127.10.1/28'],
  arcClientPeerPrivateKey: PRIVATE_KEY,
  arcClientPeerIpAddress: '10.0.0.2',
};

const read = (text: string) => readKryptonSession(new Secret(text), 'Krypton');

function refused(text: string): UserError {
  const error = thrownBy(() => read(text));
  expect(error).toBeInstanceOf(UserError);
  const { kind } = error as UserError;
  expect(kind).toBe('api');
  // Whatever the answer, no part of a key is shown.
  expect(inspect(error)).not.toContain(PRIVATE_KEY.slice(0, 20));
  return error as UserError;
}

it('reads the key and the session', () => {
  const { privateKey, session } = read(`${JSON.stringify({ ...ANSWER, more: 1 })}\n`);
  expect(Buffer.from(privateKey.expose()).toString('base64')).toBe(PRIVATE_KEY);
  expect(session).toEqual({
    arcServerPeerPublicKey: Uint8Array.from(Buffer.from(SERVER_KEY, 'base64')),
    arcServerEndpoint: {
      text: 'link.arc.soracom.io:11010',
      host: 'link.arc.soracom.io',
      port: 11010,
    },
    arcAllowedIps: ['100.127.0.0/21', '100.127.10.0/28'],
    arcClientPeerIpAddress: '10.0.0.2',
    unknownKeys: [],
  });
});

describe.each(Object.keys(ANSWER))('%s', (name) => {
  it.each([undefined, null, '', 7, {}, 'x y', [7], []])('is refused as %j', (value) => {
    const error = refused(JSON.stringify({ ...ANSWER, [name]: value }));
    expect(error.why).toBe(`the response from Krypton does not contain a valid ${name}`);
    expect(error.next).toContain('No file was changed.');
  });
});

it.each(['arcClientPeerPrivateKey', 'arcServerPeerPublicKey'])('%s is never zero', (name) => {
  expect(refused(JSON.stringify({ ...ANSWER, [name]: ZERO_KEY })).why).toContain(name);
  expect(refused(JSON.stringify({ ...ANSWER, [name]: PRIVATE_KEY.slice(0, 40) })).why).toContain(
    name,
  );
});

it.each(['', 'null', '[]', '7', '"text"', '<html>', `{"arcClientPeerPrivateKey":"${PRIVATE_KEY}`])(
  'does not show any part of %j',
  (text) => {
    const error = refused(text);
    expect(error.why).toContain('not a JSON object (not shown');
    expect(error.next.join()).toContain('Try again');
  },
);

it('shows the text of a refusal, but no key in it', () => {
  const error = refused(JSON.stringify({ code: 'KRY0001', message: `no SIM, ${PRIVATE_KEY}` }));
  expect(error.why).toBe('Krypton returned an error: KRY0001: no SIM, <redacted>');
  expect(error.next).toEqual(['No file was changed.']);
});
