import { parseConnectTarget } from '../../../../src/cli/run/access/run-connect.js';

it.each([
  ['10.0.0.3', '22', { host: '10.0.0.3', port: 22 }],
  ['one.test:80', undefined, { host: 'one.test', port: 80 }],
  ['[fd00::1]:22', undefined, { host: 'fd00::1', port: 22 }],
  ['fd00::1', '22', { host: 'fd00::1', port: 22 }],
  ['[fd00::1]', '22', { host: 'fd00::1', port: 22 }],
])('reads the target %s %s', (host, port, target) => {
  expect(parseConnectTarget({ host, port })).toEqual(target);
});

it.each([
  ['10.0.0.3', undefined],
  ['10.0.0.3', '0'],
  ['10.0.0.3:22', '22'],
  ['', '22'],
  ['fd00::1:22', undefined],
])('refuses %j %j', (host, port) => {
  expect(() => parseConnectTarget({ host, port })).toThrow(
    'the target must be a host and a port from 1 to 65535',
  );
});
