import type { Peer } from '../../engine/engine.js';
import type { NetstackEngine } from '../../engine/netstack-engine.js';
import type { Driver } from '../driver.js';
import { TunnelError } from '../tunnel-error.js';
import { closingTunnel, type PeerSilence, SILENCE_TIMEOUT, silentPeer } from './route.js';

export interface PeerSessionHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  readonly silence: PeerSilence;
  /** Resolves when the tunnel has a session; rejects with TunnelError at the deadline. */
  readonly waitForHandshake: (deadline: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Waits for a session, because a packet sent without one would be lost silently.
 *
 * @throws DialError `no-handshake`, or `closed` if the tunnel closes; the abort reason
 */
export async function waitForSession(
  peer: Peer,
  { engine, driver, waitForHandshake, silence }: PeerSessionHost,
  signal: AbortSignal | undefined,
): Promise<void> {
  const now = driver.now();
  if (peer.hasSession(now)) return;
  engine.device.initiateHandshake(peer, now);
  driver.schedule();
  try {
    await waitForHandshake(now + SILENCE_TIMEOUT, signal);
  } catch (error) {
    if (!(error instanceof TunnelError)) throw error;
    throw error.reason === 'closing' ? closingTunnel() : silentPeer(silence.explain());
  }
}
