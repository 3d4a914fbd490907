import { readQuestion } from '../../../../src/cli/run/probe/run-dig.js';
import { UserError } from '../../../../src/lib/errors/user-error.js';

function refusal(name: string, type: string | undefined, isReverse = false): UserError {
  try {
    readQuestion({ name, type }, isReverse);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`${name} was not refused`);
}

it('reads a name and a type, also of an address', () => {
  expect(readQuestion({ name: 'uni.soracom.io.', type: undefined }, false)).toEqual({
    name: 'uni.soracom.io',
    type: 'A',
  });
  expect(readQuestion({ name: 'a.test', type: 'txt' }, false)).toEqual({
    name: 'a.test',
    type: 'TXT',
  });
  expect(readQuestion({ name: '192.0.2.1', type: undefined }, true)).toEqual({
    name: '1.2.0.192.in-addr.arpa',
    type: 'PTR',
  });
});

it.each([
  ['+short', 'uni.soracom.io', 'Use --short for "+short"; "arctun dig --help" lists the flags.'],
  ['uni.soracom.io', '+short', 'Use --short for "+short"; "arctun dig --help" lists the flags.'],
  ['@192.0.2.53', 'uni.soracom.io', 'Use --dns 192.0.2.53 instead.'],
  ['uni.soracom.io', '@', 'Use --dns ADDRESS instead.'],
])('advises users of the other dig, who write %s %s', (name, type, advice) => {
  expect(refusal(name, type)).toMatchObject({ kind: 'usage', next: [advice] });
});

it.each([
  ['a..b', 'A', 'this is not a valid name'],
  ['a.test', 'ANY', 'name servers do not have to answer such queries in full (RFC 8482)'],
  ['a.test', 'A5', 'arctun does not know this record type'],
])('refuses %s %s', (name, type, why) => {
  expect(refusal(name, type)).toMatchObject({ kind: 'usage', why });
});

it('refuses a name for a reverse lookup', () => {
  expect(refusal('a.test', undefined, true).why).toBe('NAME must be an IP address');
});
