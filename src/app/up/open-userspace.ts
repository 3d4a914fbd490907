/** Opens a tunnel in userspace with its listeners. */
import { Capture, type CaptureOptions } from '../../tunnel/capture/capture.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import { SharedTunnel } from '../../proxy/shared/shared-tunnel.js';
import { describeFailure } from '../access/portable-failure.js';
import type { ForwarderSpool } from '../spool/forwarder-spool.js';
import { type ListenerOptions, UserspaceListeners } from './listeners/userspace-listeners.js';
import type { RunningTunnel } from './running-tunnel.js';

export interface UserspaceOptions extends ListenerOptions {
  /** Where to capture all packets outside and inside the tunnel; undefined if not requested. */
  readonly capture?: CaptureOptions | undefined;
  /** Opens the spool that keeps requests to the forwarder; undefined if not requested. */
  readonly openSpool?: (() => Promise<ForwarderSpool>) | undefined;
}

/** Never settles, because no external event ends a userspace tunnel. */
const NEVER = new Promise<never>(() => undefined);

/**
 * Opens the listeners, then the tunnel, and starts its handshake.
 *
 * @throws UserError if a port or the spool is unavailable, or the capture file cannot be created
 */
export async function openUserspace(
  options: UserspaceOptions,
  config: TunnelConfig,
  ports: TunnelPorts,
): Promise<RunningTunnel> {
  // Open the ports first, because a tunnel that is opened and given up again could disconnect
  // another tunnel.
  const spool = await options.openSpool?.();
  const listeners = await UserspaceListeners.open(
    { ...options, keeper: spool?.keeper },
    config,
    ports,
  ).catch(async (error: unknown) => {
    await spool?.close();
    throw error;
  });
  let capture: Capture | undefined;
  let tunnel: UserspaceTunnel | undefined;
  try {
    capture = options.capture && (await Capture.open(options.capture, ports, config));
    const opening = UserspaceTunnel.open(config, capture?.ports ?? ports, { watchForRivals: true });
    listeners.connect(opening);
    tunnel = await opening;
    await listeners.openRemoteForwards(tunnel);
    const { dialer, datagramDialer, echoDialer } = tunnel;
    if (spool !== undefined) {
      tunnel.on('handshake', () => spool.linkIsUp());
      spool.sendThrough(listeners.connections.watching('forwarder', dialer));
    }
    const watched = listeners.connections.watching('command', dialer);
    const dialers = { dialer: watched, datagramDialer, echoDialer };
    const shared = new SharedTunnel({ ...dialers, log: ports.log, describe: describeFailure });
    const proxyHasPassword = options.proxy?.password !== undefined;
    return { ...running({ listeners, tunnel, shared, capture, spool }, ports), proxyHasPassword };
  } catch (error) {
    await listeners.close(0);
    await spool?.close();
    await tunnel?.close({ gracePeriod: 0 });
    await capture?.close();
    throw error;
  }
}

interface Opened {
  readonly listeners: UserspaceListeners;
  readonly tunnel: UserspaceTunnel;
  readonly shared: SharedTunnel;
  readonly capture: Capture | undefined;
  readonly spool: ForwarderSpool | undefined;
}

function running(
  { listeners, tunnel, shared, capture, spool }: Opened,
  { clock }: Pick<TunnelPorts, 'clock'>,
): RunningTunnel {
  return {
    tunnel,
    shared,
    failed: NEVER,
    up: { mode: 'userspace', ...listeners.addresses() },
    forwards: listeners.forwards,
    spool: spool && (() => spool.status()),
    connections: () => listeners.connections.list(),
    counters: () => listeners.counters(),
    giveUp: () => tunnel.giveUp(),
    close: async (graceMs) => {
      const deadline = clock.now() + graceMs;
      await Promise.all([
        listeners.close(graceMs),
        shared.close({ graceMs }),
        spool?.stop(graceMs),
      ]);
      await spool?.close();
      // Allow time for data that clients sent before closing and that is still in flight.
      await tunnel.close({ gracePeriod: Math.max(0, deadline - clock.now()) });
      await capture?.close();
    },
  };
}
