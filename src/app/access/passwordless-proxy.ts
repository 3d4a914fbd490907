import type { TunnelListeners } from '../status/status-report.js';

/**
 * Returns the address and port of the proxy of a running `up`; undefined if the proxy is not open,
 * requires a password, or is on a Unix socket, which most programs cannot use.
 */
export function passwordlessProxy({
  proxy,
  proxyHasPassword,
}: Pick<TunnelListeners, 'proxy' | 'proxyHasPassword'>): string | undefined {
  const isUsable = proxyHasPassword !== true && proxy?.startsWith('unix:') === false;
  return isUsable ? proxy : undefined;
}
