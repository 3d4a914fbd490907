import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import { parseAllowedHosts, parseAllowedOrigins } from '../../proxy/http/parse-browser-policy.js';
import { grouped } from './flag.js';

/** Flags that control which browser requests a listener accepts. */
export const browserFlags = grouped('Listener', {
  'allow-host': {
    type: 'list',
    description:
      'Answer requests for the host NAME[,NAME...] in addition to IP addresses, localhost and *.soracom.io. May be given more than once.',
    helpValue: 'NAME',
    env: 'ARCTUN_ALLOW_HOST',
  },
  'allow-origin': {
    type: 'list',
    description:
      'Let web pages of ORIGIN[,ORIGIN...], such as https://app.example, send requests; "*" allows all pages. May be given more than once.',
    helpValue: 'ORIGIN',
    env: 'ARCTUN_ALLOW_ORIGIN',
  },
});

export interface BrowserChoice {
  /** A single string if the value comes from the environment. */
  readonly 'allow-host': string | readonly string[] | undefined;
  readonly 'allow-origin': string | readonly string[] | undefined;
}

/** @throws UserError of kind `usage` */
export function browserPolicy(flags: BrowserChoice): BrowserPolicy {
  return {
    hosts: parseAllowedHosts([flags['allow-host'] ?? []].flat()),
    origins: parseAllowedOrigins([flags['allow-origin'] ?? []].flat()),
  };
}
