/** The entry point of a thread that runs a tunnel on a network interface. */
import { serveTunnels } from '../tunnel/thread/serve-tunnels.js';
import { createContext } from './context.js';
import type { TunnelThreadOptions } from './tunnel-context.js';

// The version is empty, because only the main thread uses it.
const context = createContext('');
const { channel, data } = await context.parentThread();
const { log, socket } = data as TunnelThreadOptions;
const ports = await context.tunnelPorts(await context.log(log), socket);
const tunnels = await context.localInterfaceTunnels(ports);
// The parent thread has already checked that interfaces are supported.
if (tunnels === undefined) throw new TypeError('cannot create a network interface here');
serveTunnels(channel, tunnels, { clock: ports.clock, onClosed: () => void channel.close() });
