/** Handles sendDownlinkPing, which ../openapi/sims.ts defines. */
import type { HandlerMap } from 'openapi-backend';

import type { ArcNetwork } from '../../arc-network.js';
import type { HttpResponse } from '../../http-response.js';
import type { PlatformState } from '../../platform-state.js';
import { hasArc } from '../../sim.js';
import { type ApiContext, simOf } from '../api-context.js';
import { REFUSALS } from '../refusals.js';

interface PingRequest {
  readonly numberOfPingRequests?: number;
  readonly timeoutSeconds?: number;
}

export function pingOperations(
  state: PlatformState,
  network: Pick<ArcNetwork, 'lastHandshake' | 'ping'>,
): HandlerMap {
  return {
    sendDownlinkPing: async (context: ApiContext<PingRequest>): Promise<HttpResponse> => {
      const sim = simOf(state, context);
      if (sim === undefined) return REFUSALS.simUnknown;
      if (sim.status === 'terminated') return REFUSALS.simTerminated;
      if (!hasArc(sim) || sim.arc.session === undefined) return REFUSALS.simOffline;
      const { publicKey, address } = sim.arc;
      const { numberOfPingRequests: count = 1, timeoutSeconds = 1 } = context.request.requestBody;
      // Before its first handshake, the SIM has no endpoint.
      const isConnected = network.lastHandshake(publicKey) !== undefined;
      const rtt = isConnected
        ? await network.ping(address, { count, timeout: timeoutSeconds * 1000 })
        : undefined;
      return { status: 200, body: pingResponse(rtt) };
    },
  };
}

/** SORACOM documents `rtt` and `stat` as text, but not their content. */
function pingResponse(rtt: number | undefined): object {
  if (rtt === undefined) return { success: false, rtt: '', stat: 'no reply' };
  return { success: true, rtt: `${rtt.toFixed(1)} ms`, stat: 'reply' };
}
