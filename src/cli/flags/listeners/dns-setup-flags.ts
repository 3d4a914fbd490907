/** Flags for the system's DNS, for tunnels with a network interface. */
import type { DnsSetup } from '../../../app/names/system-dns.js';
import { cannotUse } from '../../../lib/errors/user-error.js';
import * as Flags from '../flag.js';
import { hasInterface } from '../tunnel-flags.js';
import { isHostName } from './name-flags.js';

export const dnsSetupFlags = Flags.grouped('Tunnel', {
  'dns-setup': Flags.choice({
    description:
      "With --mode tun or kernel: look up SORACOM's names inside the tunnel with the name servers of --dns, through systemd-resolved (resolved) or resolvconf, until up ends. resolvconf uses these servers for all names. auto selects the tool that the system uses.",
    options: ['off', 'auto', 'resolved', 'resolvconf'] as const,
    default: 'off',
    env: 'ARCTUN_DNS_SETUP',
  })(),
  'dns-domain': Flags.list({
    description:
      'With --dns-setup and systemd-resolved: also look up names under this domain inside the tunnel; "." for all names. Repeatable; the variable separates domains with commas.',
    helpValue: 'DOMAIN',
    env: 'ARCTUN_DNS_DOMAIN',
  }),
});

type DnsSetupChoice = Flags.FlagValues<typeof dnsSetupFlags> & { readonly mode: string };

/**
 * Returns how to set up DNS; undefined if it is off.
 *
 * @throws UserError of kind `usage` in a mode without an interface, which would silently ignore the
 * flag, or for an invalid domain
 */
export function dnsSetup(flags: DnsSetupChoice): DnsSetup | undefined {
  const { 'dns-setup': manager, mode } = flags;
  if (manager === 'off') return undefined;
  if (!hasInterface(mode)) {
    throw cannotUse(
      `--dns-setup=${manager} with --mode=${mode}`,
      "a userspace tunnel has no network interface for the system's name lookups",
      'Use --mode=tun, or use --dns-listen instead.',
    );
  }
  return { manager, domains: domainsOf(flags) };
}

/**
 * @throws UserError of kind `usage` if the command line contains --dns-domain, but DNS setup is off.
 * The variable of --dns-domain is ignored then, so that it can be set for all commands.
 */
export function refuseUnusedDomains(
  tokens: readonly Flags.CommandLineToken[],
  { 'dns-setup': manager }: Pick<DnsSetupChoice, 'dns-setup'>,
): void {
  if (manager !== 'off' || !Flags.isGiven('dns-domain', tokens)) return;
  throw cannotUse(
    '--dns-domain without --dns-setup',
    'arctun uses these domains only when it sets up the DNS of this machine',
    'Add --mode=tun and --dns-setup=auto, or remove --dns-domain.',
  );
}

function domainsOf({ 'dns-domain': values }: DnsSetupChoice): string[] {
  const domains = (values ?? []).flatMap((value) => value.split(','));
  return domains.map((text) => {
    const domain = text
      .trim()
      .toLowerCase()
      .replace(/^~/, '')
      .replace(/(?<=[^.])\.$/, '');
    if (domain === '.' || isHostName(domain)) return domain;
    throw cannotUse(
      `--dns-domain=${text}`,
      'the domain must be a host name, such as example.com, or "." for all names',
      'Use the form --dns-domain=example.com.',
    );
  });
}
