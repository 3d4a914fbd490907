import type { ArcConfigError } from '../../../src/arc-config/arc-config-error.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import {
  commandsChangedByWgConfig,
  formatWgConfig,
} from '../../../src/arc-config/wg-quick/wg-config.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, sampleWithSession, SERVER_KEY } from '../sample.js';

const parse = (text: string) => parseArcConfig(text, { path: 'arc.json' });

it('writes what soratun writes, byte for byte', () => {
  expect(formatWgConfig(parse(SAMPLE), { endpointHost: '192.0.2.1' })).toBe(`[Interface]
Address = 10.0.0.2/32
PrivateKey = ${PRIVATE_KEY}
MTU = 1380
PostUp = /bin/echo %i is up
PostDown = /bin/true

[Peer]
PublicKey = ${SERVER_KEY}
AllowedIPs = 100.127.0.0/21, 54.250.252.67/32, 10.128.0.0/9
Endpoint = 192.0.2.1:11010
PersistentKeepalive = 25
`);
});

it('uses the defaults and skips commands without a program', () => {
  const config = parse(
    sampleWith({
      mtu: 0,
      persistentKeepalive: 0,
      preUp: [['c']],
      postUp: [[], ['', 'x'], ['a', 'b']],
      preDown: [['d', '%i'], []],
      postDown: [],
    }),
  );
  const lines = formatWgConfig(config, { endpointHost: '192.0.2.1' }).split('\n');
  expect(lines.slice(3, 8)).toEqual([
    'MTU = 1420',
    'PreUp = c',
    'PostUp = a b',
    'PreDown = d %i',
    '',
  ]);
  expect(lines.at(-2)).toBe('PersistentKeepalive = 60');
});

it('puts an IPv6 endpoint in brackets', () => {
  const text = formatWgConfig(parse(SAMPLE), { endpointHost: '2001:db8::1' });
  expect(text).toContain('Endpoint = [2001:db8::1]:11010\n');
});

it('gives an IPv6 client its own prefix length', () => {
  const config = parse(sampleWithSession({ arcClientPeerIpAddress: 'fd00::2' }));
  expect(formatWgConfig(config, { endpointHost: '192.0.2.1' })).toContain(
    'Address = fd00::2/128\n',
  );
});

it('refuses a configuration without a complete session', () => {
  const wg = (text: string) => () => formatWgConfig(parse(text), { endpointHost: '192.0.2.1' });
  expect(wg('{}')).toThrow('arcSessionStatus: found nothing');
  expect(wg(sampleWithSession({ arcServerEndpoint: null }))).toThrow('arcServerEndpoint');
});

it('refuses an argument with line breaks, which would become separate lines', () => {
  const text = sampleWith({
    postUp: [['a'], ['sh', '-c', 'b\nPublicKey = x']],
    postDown: [['c\r']],
  });
  let faults: readonly object[] = [];
  try {
    formatWgConfig(parse(text), { endpointHost: '192.0.2.1' });
  } catch (error) {
    ({ faults } = error as ArcConfigError);
  }
  expect(faults).toMatchObject([
    { keyPath: 'postUp[1][2]', found: 'an argument with several lines' },
    { keyPath: 'postDown[0][0]' },
  ]);
});

it('reports the commands that wg-quick reads differently', () => {
  const text = sampleWith({
    postUp: [['a', 'b'], ['/bin/sh', '-c', 'a; b'], ['', 'two words'], []],
    postDown: [['a', 'two words']],
  });
  expect(commandsChangedByWgConfig(parse(text))).toEqual(['postUp[1]', 'postDown[0]']);
});
