import { DialError } from '../../proxy/dialer.js';
import { hostKey, type HostNames } from '../../proxy/dns/host-names.js';
import type { EchoDialer } from '../../proxy/echo-dialer.js';

/**
 * Uses the first address of the family for names in `hosts`, and leaves all other names to the
 * dialer.
 */
export function withHosts(dialer: EchoDialer, hosts: HostNames): EchoDialer {
  return {
    async open(host, options = {}) {
      const addresses = hosts.get(hostKey(host));
      if (addresses === undefined) return dialer.open(host, options);
      const { family } = options;
      const isOfFamily = (text: string) => text.includes(':') === (family === 6);
      const address = family === undefined ? addresses[0] : addresses.find(isOfFamily);
      if (address !== undefined) return dialer.open(address, options);
      throw new DialError('no-such-name', `${host} does not have an IPv${family} address`);
    },
  };
}
