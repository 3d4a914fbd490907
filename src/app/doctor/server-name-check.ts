/** Checks whether the Arc server's name has an address. */
import { messageOf } from '../../lib/errors/error-message.js';
import { inTime } from '../../lib/waits.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { type Check, failed, ok, sentence } from './check.js';
import type { DoctorPorts } from './doctor-ports.js';

/** How long to wait for the resolver, in milliseconds. */
const TIMEOUT = 5_000;

export async function checkServerName(
  { endpoint: { host }, configName }: Pick<TunnelConfig, 'endpoint' | 'configName'>,
  signal: AbortSignal,
  { resolver, clock }: Pick<DoctorPorts, 'resolver' | 'clock'>,
): Promise<Check> {
  let cause: string;
  try {
    const found = await inTime(resolver.resolve(host, signal), TIMEOUT, clock, signal);
    const addresses = found?.addresses.join(', ') ?? '';
    if (addresses === host) return ok('server-name', `The Arc server's address is ${host}.`);
    if (addresses !== '') return ok('server-name', `${host} has the address ${addresses}.`);
    cause = `the resolver did not answer within ${TIMEOUT / 1000} s`;
  } catch (error) {
    signal.throwIfAborted();
    cause = messageOf(error);
  }
  return failed('server-name', {
    kind: 'tunnel',
    text: `The name of the Arc server, ${host}, was not found.`,
    cause: sentence(cause),
    remedy: `Correct arcServerEndpoint in ${configName.source} if it is wrong, otherwise this machine's DNS settings.`,
  });
}
