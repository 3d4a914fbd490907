/** The emulated Arc server: SORACOM's services at their real addresses inside the tunnel. */
import type { WallClock } from '../ports/clock.js';
import type { ArcNetwork } from './arc-network.js';
import { DnsEndpoint } from './endpoints/dns.js';
import { EchoDiscardEndpoint } from './endpoints/echo-discard.js';
import { unifiedHttpEndpoint } from './endpoints/unified-endpoint.js';
import { type RawResponse, UnifiedRawEndpoint } from './endpoints/unified-raw.js';
import type { MessageStore } from './messages.js';
import { metadataEndpoint } from './metadata.js';
import type { PlatformState } from './platform-state.js';
import {
  METADATA_ADDRESS,
  METADATA_PORT,
  UNIFIED_ENDPOINT_ADDRESS,
  UNIFIED_ENDPOINT_HTTP_PORT,
  UNIFIED_ENDPOINT_RAW_PORT,
} from './services.js';

export interface ArcServerOptions {
  readonly network: ArcNetwork;
  readonly state: Pick<PlatformState, 'sims' | 'groups'>;
  readonly messages: MessageStore;
  readonly wallClock: WallClock;
  /** How the Unified Endpoint responds over TCP and UDP. */
  readonly rawAnswer: RawResponse;
}

/**
 * Starts all services on the network, except ICMP echo, which the network itself provides.
 *
 * @returns a function that closes all connections, then the network
 */
export function startArcServer(options: ArcServerOptions): () => Promise<void> {
  const { network, state, messages, wallClock, rawAnswer: answer } = options;
  const { sims } = state;
  const unified = unifiedHttpEndpoint({ sims, messages, wallClock });
  const raw = new UnifiedRawEndpoint({ sims, messages, wallClock, answer });
  const metadata = metadataEndpoint(state);
  const address = UNIFIED_ENDPOINT_ADDRESS;
  network.listenTcp({ address, port: UNIFIED_ENDPOINT_HTTP_PORT }, unified.handleConnection);
  network.listenTcp({ address, port: UNIFIED_ENDPOINT_RAW_PORT }, raw.handleConnection);
  network.bindUdp({ address, port: UNIFIED_ENDPOINT_RAW_PORT }, raw.handleDatagram);
  network.listenTcp({ address: METADATA_ADDRESS, port: METADATA_PORT }, metadata.handleConnection);
  new DnsEndpoint().listen(network);
  const echo = new EchoDiscardEndpoint(sims);
  echo.listen(network);
  return async () => {
    for (const endpoint of [unified, raw, metadata, echo]) endpoint.close();
    await network.close();
  };
}
