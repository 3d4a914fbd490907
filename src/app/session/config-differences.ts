/** Lists the differences between two configurations. */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';

/** Lists the differences that an open tunnel can apply. */
export function tunnelDifferences(old: TunnelConfig, other: TunnelConfig): readonly string[] {
  const compared: readonly [name: string, valueOf: (config: TunnelConfig) => string][] = [
    ['private key', ({ privateKey }) => privateKey.expose().join()],
    ['server key', ({ serverPublicKey }) => serverPublicKey.join()],
    ['endpoint', ({ endpoint }) => `${endpoint.host.toLowerCase()} ${endpoint.port}`],
    ['address', ({ addresses }) => sorted(addresses.map((address) => address.join('.')))],
    [
      'allowed IPs',
      ({ allowedIps }) =>
        sorted(
          allowedIps.map(({ address, prefixLength }) => `${address.join('.')}/${prefixLength}`),
        ),
    ],
    ['keepalive', ({ persistentKeepalive }) => String(persistentKeepalive)],
  ];
  return compared.filter(([, valueOf]) => valueOf(old) !== valueOf(other)).map(([name]) => name);
}

const FIXED = [
  'interface',
  'logLevel',
  'enableMetrics',
  'preUp',
  'postUp',
  'preDown',
  'postDown',
  'forwards',
] as const;

/**
 * Lists the fields of arc.json that differ and that an open tunnel cannot apply. The MTU is
 * omitted, because other settings may override it.
 */
export function fixedDifferences(old: ArcConfig, other: ArcConfig): readonly string[] {
  return FIXED.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(other[name]));
}

/** Sorts the strings and removes duplicates, because order and repetition do not matter. */
function sorted(texts: readonly string[]): string {
  return [...new Set(texts)].sort().join(' ');
}
