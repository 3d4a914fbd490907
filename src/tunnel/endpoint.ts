/** Finds the Arc server's address, outside of the tunnel, as often as it takes. */
import { messageOf } from '../lib/error-message.js';
import type { Clock, Endpoint, Log, Resolver } from './ports.js';
import { TunnelError } from './tunnel-error.js';

/** Between two questions to a resolver that has failed. */
const RETRY_INTERVAL = 2_000;

interface EndpointPorts {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly log: Log;
}

/**
 * The first address of the endpoint's host. A resolver that fails is asked again until `deadline`:
 * at boot the network is often not there yet.
 *
 * @throws TunnelError when the deadline passes without an address
 */
export async function locateEndpoint(
  endpoint: { readonly host: string; readonly port: number },
  ports: EndpointPorts,
  deadline: number,
  signal?: AbortSignal,
): Promise<Endpoint> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      const [address] = await ports.resolver.resolve(endpoint.host);
      if (address !== undefined) return { address, port: endpoint.port };
    } catch (error) {
      if (attempt === 1) {
        ports.log.warn(
          { host: endpoint.host, reason: messageOf(error) },
          'cannot resolve the Arc server; trying again',
        );
      }
      if (ports.clock.now() + RETRY_INTERVAL >= deadline) throw unknownHost(endpoint.host, error);
    }
    await pause(ports.clock, signal);
  }
}

function unknownHost(host: string, cause: unknown): TunnelError {
  return new TunnelError(
    {
      what: `cannot find the Arc server ${host}`,
      why: messageOf(cause),
      next: ['Check arcServerEndpoint in arc.json and the DNS of this machine.'],
    },
    { cause },
  );
}

function pause(clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.startTimer(RETRY_INTERVAL, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      timer.cancel();
      resolve();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
