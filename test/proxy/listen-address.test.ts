import { UserError } from '../../src/lib/errors/user-error.js';
import { isLoopback, parseListenAddress, requireLoopback } from '../../src/proxy/listen-address.js';
import { thrownBy } from './support/thrown.js';

describe('parseListenAddress', () => {
  it.each([
    ['127.0.0.1:8888', '127.0.0.1', 8888],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:8888', '::1', 8888],
    ['[::]:65535', '::', 65_535],
    ['localhost:80', 'localhost', 80],
    ['my-host.example:80', 'my-host.example', 80],
    [':8888', '127.0.0.1', 8888],
    ['8888', '127.0.0.1', 8888],
  ])('reads %s', (text, host, port) => {
    expect(parseListenAddress(text, 9100)).toEqual({ host, port });
  });

  it.each([
    '',
    ':',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.0.0.1:1e3',
    '127.1:80',
    '1.2.3.256:80',
    '::1:8888',
    '[::1]',
    '[::1]8888',
    '[127.0.0.1]:80',
    '[]:80',
    'a b:80',
    '-a:80',
    'http://x:80',
    '127.0.0.1:80\n',
  ])('refuses %j', (text) => {
    expect(() => parseListenAddress(text, 9100)).toThrow(UserError);
    expect(() => parseListenAddress(text, 9100)).toThrow(/cannot listen on/);
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST'])(
    'is true for %s',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each([
    '0.0.0.0',
    '128.0.0.1',
    '10.0.0.1',
    '::',
    '::2',
    'example.com',
    'localhost.example',
    '',
  ])('is false for %j', (host) => expect(isLoopback(host)).toBe(false));
});

describe('requireLoopback', () => {
  it('refuses an open listener and names the flag', () => {
    const error = thrownBy(() => requireLoopback('0.0.0.0', false)) as UserError;
    expect(error).toBeInstanceOf(UserError);
    expect(error.kind).toBe('usage');
    expect(error.next.join()).toContain('--allow-open');
    expect(error.why).toMatch(/could send data as this SIM$/);
    expect(() => requireLoopback('0.0.0.0', false, 'that is bad')).toThrow(
      'cannot listen on 0.0.0.0: this is not a loopback address, so that is bad',
    );
  });

  it('allows a non-loopback listener with the flag, and a loopback one always', () => {
    expect(() => requireLoopback('0.0.0.0', true)).not.toThrow();
    expect(() => requireLoopback('::1', false)).not.toThrow();
  });
});
