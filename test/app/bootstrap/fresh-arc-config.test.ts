import { parseArcSession } from '../../../src/arc-config/parse-arc-config.js';
import { formatArcConfig } from '../../../src/arc-config/format-arc-config.js';
import { parseKey } from '../../../src/arc-config/value-syntax.js';
import { freshArcConfig } from '../../../src/app/bootstrap/fresh-arc-config.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { PRIVATE_KEY, PUBLIC_KEY } from '../../arc-config/sample.js';
import { NEW_SESSION } from '../fake-soracom.js';

const PART = {
  privateKey: new Secret(parseKey(PRIVATE_KEY)!),
  publicKey: parseKey(PUBLIC_KEY)!,
  simId: '8942310022000012345',
};

it('has the content that soratun writes for a SIM without an arc.json, and no profile', () => {
  const session = parseArcSession(JSON.stringify(NEW_SESSION), { path: 'x' });
  const config = freshArcConfig({ ...PART, arcSessionStatus: session }, { platform: 'linux' });
  expect(JSON.parse(formatArcConfig(config))).toEqual({
    privateKey: PRIVATE_KEY,
    publicKey: PUBLIC_KEY,
    simId: '8942310022000012345',
    logLevel: 2,
    enableMetrics: true,
    interface: 'soratun0',
    mtu: 1420,
    persistentKeepalive: 60,
    arcSessionStatus: NEW_SESSION,
  });
});

it('has the interface of its platform', () => {
  expect(freshArcConfig(PART, { platform: 'darwin' }).interface).toBe('utun');
});
