import { parseForward, parsePlace } from '../../../src/proxy/port-forward/forward-spec.js';
import { placeKey } from '../../../src/proxy/port-forward/port-forward.js';
import { thrownBy } from '../support/thrown.js';

const LOOPBACK = '127.0.0.1';

it.each([
  ['8080:10.0.0.3:80', 'tcp', { host: LOOPBACK, port: 8080 }, { host: '10.0.0.3', port: 80 }],
  ['0:web.internal:80', 'tcp', { host: LOOPBACK, port: 0 }, { host: 'web.internal', port: 80 }],
  ['127.0.0.2:1:a:2', 'tcp', { host: '127.0.0.2', port: 1 }, { host: 'a', port: 2 }],
  ['localhost:1:a:2', 'tcp', { host: 'localhost', port: 1 }, { host: 'a', port: 2 }],
  ['0.0.0.0:1:a:2', 'tcp', { host: '0.0.0.0', port: 1 }, { host: 'a', port: 2 }],
  ['[::1]:1:[fd00::2]:3', 'tcp', { host: '::1', port: 1 }, { host: 'fd00::2', port: 3 }],
  [
    '5353:100.127.0.53:53/udp',
    'udp',
    { host: LOOPBACK, port: 5353 },
    { host: '100.127.0.53', port: 53 },
  ],
  ['1:a:2/tcp', 'tcp', { host: LOOPBACK, port: 1 }, { host: 'a', port: 2 }],
  ['/run/a b.sock:db:5432', 'tcp', { path: '/run/a b.sock' }, { host: 'db', port: 5432 }],
  ['/a:[::1]:1', 'tcp', { path: '/a' }, { host: '::1', port: 1 }],
])('reads -L %s', (text, protocol, listen, target) => {
  expect(parseForward('local', text)).toEqual({ kind: 'local', protocol, listen, target });
});

it.each([
  ['2222:127.0.0.1:22', 'tcp', 2222, { host: LOOPBACK, port: 22 }],
  ['2222:22', 'tcp', 2222, { host: LOOPBACK, port: 22 }],
  ['0:localhost:22', 'tcp', 0, { host: 'localhost', port: 22 }],
  ['53:[::1]:5353/udp', 'udp', 53, { host: '::1', port: 5353 }],
  ['53:5353/udp', 'udp', 53, { host: LOOPBACK, port: 5353 }],
  ['80:/run/app:1.sock', 'tcp', 80, { path: '/run/app:1.sock' }],
])('reads -R %s', (text, protocol, port, target) => {
  expect(parseForward('remote', text)).toEqual({ kind: 'remote', protocol, port, target });
});

const PORT_1 = 'a port must be a number from 1 to 65535';
const LISTEN = 'the address to listen on must be an IP address or localhost';

it.each([
  ['', 'a local port, a target host and a target port'],
  ['8080', 'a local port, a target host and a target port'],
  ['8080:80', 'a local port, a target host and a target port'],
  ['1:2:3:4:5', 'too many fields'],
  ['8080:10.0.0.3:', PORT_1],
  ['8080:10.0.0.3:0', PORT_1],
  ['8080:10.0.0.3:65536', PORT_1],
  ['65536:10.0.0.3:80', 'a port must be a number from 0 to 65535'],
  ['-1:10.0.0.3:80', 'a port must be a number from 0 to 65535'],
  ['[80]:10.0.0.3:80', 'a port must be a number from 0 to 65535'],
  ['8080:10.0.0.3:[80]', PORT_1],
  ['*:8080:10.0.0.3:80', LISTEN],
  [':8080:10.0.0.3:80', LISTEN],
  ['127.1:8080:10.0.0.3:80', LISTEN],
  ['[127.0.0.1]:8080:10.0.0.3:80', LISTEN],
  ['[localhost]:8080:10.0.0.3:80', LISTEN],
  ['8080:127.1:80', 'the target host must be an IP address or a name'],
  ['8080:[10.0.0.3]:80', 'the target host must be an IP address or a name'],
  ['8080::80', 'the target host must be an IP address or a name'],
  [`8080:${'x1Yz9'.repeat(8)}aB3:80`, 'the target host must be an IP address or a name'],
  ['8080:fd00::3:80', 'an IPv6 address must be in brackets'],
  ['./a.sock:10.0.0.3:80', 'the path of a Unix socket must begin with /'],
  ['8080:[fd00::3:80', 'an IPv6 address must be in brackets'],
  ['8080:10.0.0.3:80/sctp', 'the protocol after the slash must be tcp or udp'],
  ['/run/a.sock:10.0.0.3:80/UDP', 'the protocol after the slash must be tcp or udp'],
  ['8080:10.0.0.3:80/', PORT_1],
  ['/run/a.sock:a:80/udp', 'a Unix socket cannot carry UDP'],
  ['/run/a.sock', 'the forward must have a port, a target host and a target port'],
  [`/${'é'.repeat(54)}:a:80`, 'must not be longer than 107 bytes'],
])('refuses -L %s', (text, why) => {
  expect(() => parseForward('local', text)).toThrow(why);
});

it.each([
  ['', 'a port must be a number from 0 to 65535'],
  ['22', 'the forward must have a port, a target host and a target port'],
  ['2222:127.0.0.1', PORT_1],
  ['127.0.0.1:2222:127.0.0.1:22', 'always listens on the address of the virtual SIM'],
  ['5353:53/icmp', 'the protocol after the slash must be tcp or udp'],
  ['80:/run/app.sock/udp', 'a Unix socket cannot carry UDP'],
  [`80:/${'a'.repeat(107)}`, 'must not be longer than 107 bytes'],
])('refuses -R %s', (text, why) => {
  expect(() => parseForward('remote', text)).toThrow(why);
});

it('names the flag, the reason and the form in an error, but not a secret', () => {
  expect(thrownBy(() => parseForward('local', '8080:80'))).toMatchObject({
    kind: 'usage',
    what: 'cannot use --local-forward=8080:80',
    next: [
      'Use the form [BIND:]PORT:HOST:HOSTPORT[/udp] or /PATH:HOST:HOSTPORT, for example --local-forward 8080:10.0.0.3:80.',
    ],
  });
  const key = `${'x1Yz9'.repeat(8)}aB3`;
  expect(String(thrownBy(() => parseForward('remote', `1:${key}:2`)))).not.toContain(key);
});

it('shows the shorter form for a forward to remove', () => {
  expect(thrownBy(() => parsePlace('local', 'a'))).toMatchObject({
    next: [
      'Use the form [BIND:]PORT[:HOST:HOSTPORT][/udp] or /PATH[:HOST:HOSTPORT], for example --local-forward 8080.',
    ],
  });
  expect(thrownBy(() => parsePlace('remote', 'a'))).toMatchObject({
    next: ['Use the form PORT[:HOST:HOSTPORT][/udp], for example --remote-forward 2222.'],
  });
});

it.each([
  ['local', '8080', 'local tcp 127.0.0.1:8080'],
  ['local', '127.0.0.2:8080', 'local tcp 127.0.0.2:8080'],
  ['local', '[::1]:8080/udp', 'local udp [::1]:8080'],
  ['local', '8080:10.0.0.3:80', 'local tcp 127.0.0.1:8080'],
  ['local', '/run/a.sock', 'local tcp /run/a.sock'],
  ['local', '/run/a.sock:a:80', 'local tcp /run/a.sock'],
  ['remote', '2222', 'remote tcp 2222'],
  ['remote', '53/udp', 'remote udp 53'],
  ['remote', '2222:127.0.0.1:22', 'remote tcp 2222'],
  ['remote', '80:/run/app.sock', 'remote tcp 80'],
] as const)('reads the place of a %s forward from %s', (kind, text, key) => {
  expect(placeKey(parsePlace(kind, text))).toBe(key);
});

it.each([
  ['local', ''],
  ['local', 'a'],
  ['remote', 'a'],
  ['local', '/run/a.sock/udp'],
] as const)('refuses %s "%s" as a place', (kind, text) => {
  expect(() => parsePlace(kind, text)).toThrow(`cannot use --${kind}-forward`);
});
