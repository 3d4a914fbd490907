import { isIP } from 'node:net';

import { fromSetting } from '../../../lib/errors/from-setting.js';
import type { UserError } from '../../../lib/errors/user-error.js';
import { cannotUse } from '../../../lib/errors/user-error.js';
import { hostKey, type HostNames } from '../../../proxy/dns/host-names.js';
import {
  type ListenAddress,
  parseListenAddress,
  requireLoopback,
} from '../../../proxy/listen-address.js';
import * as Flags from '../flag.js';

/** The port in the documentation. */
const USUAL_PORT = 5353;

/** The flag that gives names fixed addresses, for commands that resolve names. */
export const hostsFlag = Flags.grouped('Listener', {
  hosts: Flags.list({
    description:
      'Use this address for NAME instead of asking the name servers. Repeatable; the variable separates entries with commas.',
    helpValue: 'NAME=ADDRESS',
    env: 'ARCTUN_HOSTS',
  }),
});

/** The flag for the address of the DNS listener. */
export const dnsListenFlag = Flags.grouped('Listener', {
  'dns-listen': Flags.text({
    description:
      'Answer DNS queries over UDP and TCP, with the name servers inside the tunnel; port 0 picks a free port.',
    helpValue: 'ADDRESS:PORT',
    env: 'ARCTUN_DNS_LISTEN',
  }),
});

/** A host name; underscores are common in names that are not hosts, so they are accepted. */
const NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

export function isHostName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Parses the values of --hosts.
 *
 * @throws UserError of kind `usage`
 */
export function hostNames({ hosts }: Flags.FlagValues<typeof hostsFlag>): HostNames {
  const names = new Map<string, string[]>();
  for (const value of hosts ?? []) {
    for (const entry of value.split(',')) {
      const [, given = '', address = ''] = /^\s*([^=\s]+)=(\S+)\s*$/.exec(entry) ?? [];
      const name = hostKey(given);
      if (!NAME.test(name) || isIP(address) === 0) throw wrongEntry(value, entry);
      names.set(name, [...(names.get(name) ?? []), address]);
    }
  }
  return names;
}

function wrongEntry(value: string, entry: string): UserError {
  return cannotUse(
    `--hosts=${value}`,
    `${JSON.stringify(entry.trim())} must have the form NAME=ADDRESS, with an IP address`,
    'Use the form --hosts=camera.example=10.1.0.7.',
  );
}

type DnsListenChoice = Flags.FlagValues<typeof dnsListenFlag> & { readonly 'allow-open': boolean };

/**
 * Returns the address to listen on; undefined if the flag is not set.
 *
 * @throws UserError of kind `usage`
 */
export function dnsListen(flags: DnsListenChoice): ListenAddress | undefined {
  const text = flags['dns-listen'];
  if (text === undefined || text === '') return undefined;
  return fromSetting('--dns-listen', () => {
    const listen = parseListenAddress(text, USUAL_PORT);
    const risk = 'anyone who can reach the address could look up names as this SIM';
    requireLoopback(listen.host, flags['allow-open'], risk);
    return listen;
  });
}
