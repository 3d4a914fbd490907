import { formatWgConfig } from '../../../src/arc-config/wg-quick/wg-config.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { wgConfigValue } from '../../../src/cli/output/wg-config-value.js';
import { PRIVATE_KEY, sampleWith, SERVER_KEY } from '../../arc-config/sample.js';

it('contains the sections, with lists as arrays and each command as one string', () => {
  const text = sampleWith({
    additionalAllowedIPs: ['192.0.2.0/24'],
    postUp: [['echo', 'a,', 'b'], ['true']],
  });
  const config = parseArcConfig(text, { path: 'arc.json' });
  const value = wgConfigValue(formatWgConfig(config, { endpointHost: '2001:db8::1' }));
  expect(value).toMatchObject({
    Interface: { PrivateKey: PRIVATE_KEY, MTU: '1380', PostUp: ['echo a, b', 'true'] },
    Peer: { PublicKey: SERVER_KEY, Endpoint: '[2001:db8::1]:11010' },
  });
  const { Interface, Peer } = value as Record<string, Record<string, string[]>>;
  expect(Interface!.Address).toHaveLength(1);
  expect(Peer!.AllowedIPs).toEqual(expect.arrayContaining(['192.0.2.0/24']));
  expect(Peer!.AllowedIPs!.length).toBeGreaterThan(1);
});
