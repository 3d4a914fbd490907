import { statusListen } from '../../../../src/cli/flags/listeners/status-listen-flag.js';

const CLOSED = { 'allow-open': false };

it.each([
  [undefined, undefined],
  ['', undefined],
  ['9100', { host: '127.0.0.1', port: 9100 }],
  ['[::1]:0', { host: '::1', port: 0 }],
])('reads %j', (text, listen) => {
  expect(statusListen({ 'status-listen': text, ...CLOSED })).toEqual(listen);
});

it('listens for other machines only with the flag for it', () => {
  const choice = { 'status-listen': '0.0.0.0:9100' };
  expect(() => statusListen({ ...choice, ...CLOSED })).toThrow(
    'anyone who can reach the address could see the status of this tunnel',
  );
  expect(statusListen({ ...choice, 'allow-open': true })?.host).toBe('0.0.0.0');
});
