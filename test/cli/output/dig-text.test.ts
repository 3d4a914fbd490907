import { digText, digValue, shortDigText } from '../../../src/cli/output/dig-text.js';
import type { LookupResult } from '../../../src/proxy/dns/dns-lookup.js';

const RESULT: LookupResult = {
  ...{ name: 'a.test', type: 'A', status: 'NOERROR', server: '192.0.2.53', via: 'udp' },
  duration: 12.4,
  answers: [{ name: 'a.test.', ttl: 60, type: 'A', data: '192.0.2.1' }],
};

it('prints the server and the records like dig', () => {
  expect(digText(RESULT)).toBe(
    ';; status: NOERROR, server: 192.0.2.53 (UDP), time: 12 ms\na.test.\t\t\t60\tIN\tA\t192.0.2.1\n',
  );
});

it.each([
  ['a-name-of-24-characters.', '\t'],
  ['a-name-of-23-character.', '\t'],
  ['a-name-of-16-ch.', '\t'],
  ['a-name-of-15-c.', '\t\t'],
])('aligns the columns after %s', (name, tabs) => {
  const answers = [{ name, ttl: 60, type: 'A', data: '192.0.2.1' }];
  expect(digText({ ...RESULT, answers })).toContain(`${name}${tabs}60\tIN\tA\t192.0.2.1\n`);
});

it('prints only the values, or JSON', () => {
  expect(shortDigText(RESULT)).toBe('192.0.2.1\n');
  expect(digValue(RESULT)).toEqual({
    ...{ name: 'a.test', type: 'A', status: 'NOERROR', server: '192.0.2.53', via: 'udp' },
    milliseconds: 12,
    answers: [{ name: 'a.test.', ttl: 60, class: 'IN', type: 'A', data: '192.0.2.1' }],
  });
});
