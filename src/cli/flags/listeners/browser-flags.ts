import type { BrowserPolicy } from '../../../proxy/http/browser-check.js';
import {
  parseAllowedHosts,
  parseAllowedOrigins,
} from '../../../proxy/http/parse-browser-policy.js';
import * as Flags from '../flag.js';

/** Flags that control which browser requests a listener accepts. */
export const browserFlags = Flags.grouped('Listener', {
  'allow-host': Flags.list({
    description:
      'Accept these host names in requests, in addition to IP addresses, localhost and *.soracom.io. Repeatable.',
    helpValue: 'NAME',
    env: 'ARCTUN_ALLOW_HOST',
  }),
  'allow-origin': Flags.list({
    description:
      'Accept requests sent by web pages from these origins, such as https://app.example; "*" allows all. Repeatable.',
    helpValue: 'ORIGIN',
    env: 'ARCTUN_ALLOW_ORIGIN',
  }),
});

export type BrowserChoice = Flags.FlagValues<typeof browserFlags>;

/** @throws UserError of kind `usage` */
export function browserPolicy(flags: BrowserChoice): BrowserPolicy {
  return {
    hosts: parseAllowedHosts(flags['allow-host'] ?? []),
    origins: parseAllowedOrigins(flags['allow-origin'] ?? []),
  };
}
