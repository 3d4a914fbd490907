/** Flags for the system's DNS, for tunnels with a network interface. */
import type { DnsSetup } from '../../../app/names/system-dns.js';
import { UserError } from '../../../lib/errors/user-error.js';
import { type CommandLineToken, type FlagValues, grouped } from '../flag.js';
import { isHostName } from './name-flags.js';

export const dnsSetupFlags = grouped('Tunnel', {
  'dns-setup': {
    type: 'choice',
    description:
      "With --mode tun or kernel: look up SORACOM's names inside the tunnel with the name servers of --dns, through systemd-resolved (resolved) or resolvconf, until up ends. resolvconf uses these servers for all names. auto selects the tool that the system uses.",
    options: ['off', 'auto', 'resolved', 'resolvconf'],
    default: 'off',
    env: 'ARCTUN_DNS_SETUP',
  },
  'dns-domain': {
    type: 'list',
    description:
      'With --dns-setup and systemd-resolved: also look up names under this domain inside the tunnel; "." for all names. Repeatable; the variable separates domains with commas.',
    helpValue: 'DOMAIN',
    env: 'ARCTUN_DNS_DOMAIN',
  },
});

type DnsSetupChoice = FlagValues<typeof dnsSetupFlags> & { readonly mode: string };

/**
 * Returns how to set up DNS; undefined if it is off.
 *
 * @throws UserError of kind `usage` in a mode without an interface, which would silently ignore the
 * flag, or for an invalid domain
 */
export function dnsSetup(flags: DnsSetupChoice): DnsSetup | undefined {
  const { 'dns-setup': manager, mode } = flags;
  if (manager === 'off') return undefined;
  if (mode !== 'tun' && mode !== 'kernel') {
    throw new UserError('usage', {
      what: `cannot use --dns-setup=${manager} with --mode=${mode}`,
      why: "a userspace tunnel has no network interface for the system's name lookups",
      next: ['Use --mode=tun, or use --dns-listen instead.'],
    });
  }
  return { manager, domains: domainsOf(flags) };
}

/**
 * @throws UserError of kind `usage` if the command line contains --dns-domain, but DNS setup is off.
 * The variable of --dns-domain is ignored then, so that it can be set for all commands.
 */
export function refuseUnusedDomains(
  tokens: readonly CommandLineToken[],
  { 'dns-setup': manager }: Pick<DnsSetupChoice, 'dns-setup'>,
): void {
  const isGiven = tokens.some((token) => token.type === 'flag' && token.flag === 'dns-domain');
  if (manager !== 'off' || !isGiven) return;
  throw new UserError('usage', {
    what: 'cannot use --dns-domain without --dns-setup',
    why: 'arctun uses these domains only when it sets up the DNS of this machine',
    next: ['Add --mode=tun and --dns-setup=auto, or remove --dns-domain.'],
  });
}

function domainsOf({ 'dns-domain': values }: DnsSetupChoice): string[] {
  const domains = [values ?? []].flat().flatMap((value) => value.split(','));
  return domains.map((text) => {
    const domain = text
      .trim()
      .toLowerCase()
      .replace(/^~/, '')
      .replace(/(?<=[^.])\.$/, '');
    if (domain === '.' || isHostName(domain)) return domain;
    throw new UserError('usage', {
      what: `cannot use --dns-domain=${text}`,
      why: 'the domain must be a host name, such as example.com, or "." for all names',
      next: ['Use the form --dns-domain=example.com.'],
    });
  });
}
