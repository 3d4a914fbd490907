import type { TunnelOverrides } from '../../arc-config/tunnel-faults.js';
import { parseCidr } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type FlagValues, grouped } from './flag.js';

const MAX_U16 = 65_535;

/** Flags that override members of arc.json for one run. soratun uses the same names. */
export const overrideFlags = grouped('Tunnel', {
  mtu: {
    type: 'integer',
    description: 'MTU of the tunnel in bytes; overrides arc.json.',
    min: 0,
    max: MAX_U16,
    helpValue: 'BYTES',
    env: 'ARCTUN_MTU',
  },
  'persistent-keepalive': {
    type: 'integer',
    description: 'Keepalive interval in seconds; 0 turns keepalives off. Overrides arc.json.',
    min: 0,
    max: MAX_U16,
    helpValue: 'SECONDS',
    env: 'ARCTUN_PERSISTENT_KEEPALIVE',
  },
  'additional-allowed-ips': {
    type: 'list',
    description:
      'Route these networks through the tunnel, in addition to those in arc.json. Repeatable.',
    helpValue: 'CIDR',
    env: 'ARCTUN_ADDITIONAL_ALLOWED_IPS',
  },
});

/** @throws UserError of kind `usage` */
export function tunnelOverrides(flags: FlagValues<typeof overrideFlags>): TunnelOverrides {
  return {
    mtu: flags.mtu,
    persistentKeepalive: flags['persistent-keepalive'],
    additionalAllowedIps: allowedIps([flags['additional-allowed-ips'] ?? []].flat()),
  };
}

function allowedIps(values: readonly string[]): readonly string[] {
  return values.flatMap((value) =>
    value.split(',').map((text) => {
      const item = text.trim();
      const cidr = parseCidr(item);
      if (cidr !== undefined) return cidr;
      throw new UserError('usage', {
        what: `cannot use --additional-allowed-ips=${value}`,
        why: `${JSON.stringify(item)} is not a CIDR`,
        next: ['Use the form --additional-allowed-ips=10.1.0.0/16,192.0.2.1/32.'],
      });
    }),
  );
}
