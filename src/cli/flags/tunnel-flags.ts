/** The flags of commands that open a tunnel. */
import type { TunnelOverrides } from '../../arc-config/tunnel-faults.js';
import { parseCidr } from '../../arc-config/value-syntax.js';
import { cannotUse } from '../../lib/errors/user-error.js';
import * as Flags from './flag.js';

/** Flags of every command that opens a tunnel. */
export const tunnelFlags = Flags.grouped('Tunnel', {
  mode: Flags.choice({
    description:
      "Tunnel mode. auto uses a network interface (tun) if permitted, unless a userspace-only flag is given. kernel uses the Linux kernel's WireGuard implementation.",
    options: ['auto', 'tun', 'kernel', 'userspace'] as const,
    default: 'auto',
    env: 'ARCTUN_MODE',
  })(),
  wait: Flags.integer({
    description: 'Seconds to wait for the first handshake; 0 waits forever.',
    default: 20,
    min: 0,
    helpValue: 'SECONDS',
    env: 'ARCTUN_WAIT',
  }),
  force: Flags.boolean({
    description:
      'Open the tunnel even if another arctun process on this machine is using the SIM. The two tunnels will keep disconnecting each other.',
  }),
});

/** Flags of the commands that use the tunnel of a running `up`, or open one of their own. */
export const accessFlags = { wait: tunnelFlags.wait, force: tunnelFlags.force };

/** The flag that selects a running tunnel. */
export const interfaceFlag = {
  interface: Flags.text({
    description:
      'Name of the tunnel, as shown by "status". Required if several tunnels are running.',
    helpValue: 'NAME',
    env: 'ARCTUN_INTERFACE',
  }),
};

/** The flags of commands that carry TCP streams. */
export const congestionFlag = Flags.grouped('Tunnel', {
  congestion: Flags.choice({
    description: 'TCP congestion control inside the tunnel.',
    options: ['bbr', 'cubic', 'reno'] as const,
    default: 'bbr',
    env: 'ARCTUN_CONGESTION',
  })(),
});

export const socketFlag = Flags.grouped('Tunnel', {
  socket: Flags.choice({
    description:
      'How to send UDP packets: in batches (batch, which needs Linux and koffi), one by one (dgram), or in batches if possible (auto).',
    options: ['auto', 'dgram', 'batch'] as const,
    default: 'auto',
    env: 'ARCTUN_SOCKET',
  })(),
});

/** Flags that control traffic after a network interface is removed. */
export const guardFlags = Flags.grouped('Tunnel', {
  'kill-switch': Flags.boolean({
    description:
      "With --mode tun or kernel: if the tunnel fails or arctun is killed, block traffic that would otherwise use the tunnel's default route. To unblock the traffic, use --cleanup, or start arctun again and stop it normally.",
    env: 'ARCTUN_KILL_SWITCH',
  }),
  cleanup: Flags.boolean({
    description:
      'Remove the routes and rules left behind by an "arctun up" that was killed, then exit.',
  }),
});

/** Whether a mode creates a network interface, so that arctun has neither listeners nor a TCP stack. */
export function hasInterface(mode: string): boolean {
  return mode === 'tun' || mode === 'kernel';
}

/**
 * Requires a mode with an interface for the kill switch, because userspace mode would silently
 * ignore the flag.
 *
 * @throws UserError `usage` if `--kill-switch` is used in another mode
 */
export function requireInterfaceForKillSwitch(flags: {
  readonly mode: string;
  readonly 'kill-switch': boolean;
}): void {
  if (!flags['kill-switch'] || hasInterface(flags.mode)) return;
  throw cannotUse(
    `--kill-switch with --mode=${flags.mode}`,
    'the kill switch needs routes on this machine, and a userspace tunnel does not add routes',
    'Use --mode=tun.',
  );
}

const MAX_U16 = 65_535;

/** Flags that override members of arc.json for one run. soratun uses the same names. */
export const overrideFlags = Flags.grouped('Tunnel', {
  mtu: Flags.integer({
    description: 'MTU of the tunnel in bytes; overrides arc.json.',
    min: 0,
    max: MAX_U16,
    helpValue: 'BYTES',
    env: 'ARCTUN_MTU',
  }),
  'persistent-keepalive': Flags.integer({
    description: 'Keepalive interval in seconds; 0 turns keepalives off. Overrides arc.json.',
    min: 0,
    max: MAX_U16,
    helpValue: 'SECONDS',
    env: 'ARCTUN_PERSISTENT_KEEPALIVE',
  }),
  'additional-allowed-ips': Flags.list({
    description:
      'Route these networks through the tunnel, in addition to those in arc.json. Repeatable.',
    helpValue: 'CIDR',
    env: 'ARCTUN_ADDITIONAL_ALLOWED_IPS',
  }),
});

/** @throws UserError of kind `usage` */
export function tunnelOverrides(flags: Flags.FlagValues<typeof overrideFlags>): TunnelOverrides {
  return {
    mtu: flags.mtu,
    persistentKeepalive: flags['persistent-keepalive'],
    additionalAllowedIps: (flags['additional-allowed-ips'] ?? []).flatMap(allowedIps),
  };
}

function allowedIps(value: string): readonly string[] {
  return value.split(',').map((text) => {
    const item = text.trim();
    const cidr = parseCidr(item);
    if (cidr !== undefined) return cidr;
    throw cannotUse(
      `--additional-allowed-ips=${value}`,
      `${JSON.stringify(item)} is not a CIDR`,
      'Use the form --additional-allowed-ips=10.1.0.0/16,192.0.2.1/32.',
    );
  });
}
