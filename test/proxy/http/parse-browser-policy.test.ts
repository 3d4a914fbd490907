import { UserError } from '../../../src/lib/errors/user-error.js';
import {
  parseAllowedHosts,
  parseAllowedOrigins,
} from '../../../src/proxy/http/parse-browser-policy.js';

it('reads host names in comparable form', () => {
  expect(parseAllowedHosts(['Arctun,my_service', ' pi.local. ', ''])).toEqual([
    'arctun',
    'my_service',
    'pi.local',
  ]);
});

it('reads origins as browsers write them', () => {
  const given = ['HTTPS://App.Example:443,http://a:80', 'http://b:8080', 'file://', '*'];
  expect(parseAllowedOrigins(given)).toEqual([
    'https://app.example',
    'http://a',
    'http://b:8080',
    'file://',
    '*',
  ]);
});

it.each(['arctun:8888', 'http://arctun', '*', '*.example', 'a b', '-a', 'a..b', 'a'.repeat(64)])(
  'refuses the host %j',
  (text) => {
    expect(() => parseAllowedHosts([text])).toThrow(UserError);
  },
);

it.each(['app.example', 'https://app.example/', 'https://u@app.example', 'null', 'https://a?b'])(
  'refuses the origin %j',
  (text) => {
    expect(() => parseAllowedOrigins([text])).toThrow(UserError);
  },
);

it('does not repeat a configuration that was meant for another setting', () => {
  const config = '{"privateKey":"secret"}';
  for (const parse of [parseAllowedHosts, parseAllowedOrigins]) {
    try {
      parse([config], 'ARCTUN_X');
      throw new Error('nothing was thrown');
    } catch (error) {
      expect((error as UserError).what).toBe('cannot use ARCTUN_X');
    }
  }
});
