/** Opens the mixed port, which nobody has to have asked for. */
import { UserError } from '../../lib/user-error.js';
import type { Dialer } from '../../proxy/dialer.js';
import { type MixedPort, startMixedPort } from '../../proxy/mixed/mixed-port.js';
import type { Log } from '../../ports/log.js';

export interface ProxySettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether the user has named the port. */
  readonly isAskedFor: boolean;
}

/**
 * A port that was asked for is a promise. The default one is often another program's (`ssh -D 1080`,
 * a second tunnel): who only wants the forwarder shall not go without for its sake.
 *
 * @returns undefined where the default port cannot be had, which is a warning
 * @throws UserError when a port cannot be had that was asked for
 */
export async function openProxy(
  { listen, isAskedFor }: ProxySettings,
  dialer: Dialer,
  log: Log,
): Promise<MixedPort | undefined> {
  try {
    const proxy = await startMixedPort({ listen, dialer, log });
    log.info({ address: proxy.authority }, 'proxy listening');
    return proxy;
  } catch (error) {
    if (isAskedFor || !(error instanceof UserError)) throw error;
    const next = 'going on without a proxy; choose a port with --proxy-listen, or off';
    log.warn({ reason: error.why }, `${error.what}: ${next}`);
    return undefined;
  }
}
