import type { ArcConfigError } from '../../../src/arc-config/arc-config-error.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import {
  commandsChangedByWgConfig,
  formatWgConfig,
} from '../../../src/arc-config/wg-quick/wg-config.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, SERVER_KEY } from '../sample.js';

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

it('puts an IPv6 endpoint in brackets', () => {
  const text = formatWgConfig(parse(SAMPLE), { endpointHost: '2001:db8::1' });
  expect(text).toContain('Endpoint = [2001:db8::1]:11010\n');
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
