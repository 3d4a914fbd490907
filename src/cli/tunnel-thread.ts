/** The entry of a thread with a tunnel under a network interface. */
import { serveTunnels } from '../tunnel/thread/serve-tunnels.js';
import { createContext } from './context.js';
import type { TunnelThreadOptions } from './tunnel-context.js';

// What it logs is the process's, and it has nothing to do that would name a version.
const context = createContext('');
const { channel, data } = await context.parentThread();
const { log, socket } = data as TunnelThreadOptions;
const ports = await context.tunnelPorts(await context.log(log), socket);
const tunnels = await context.localInterfaceTunnels(ports);
// Whoever has started this thread has found that there are some.
if (tunnels === undefined) throw new TypeError('no network interface can be made here');
serveTunnels(channel, tunnels, { clock: ports.clock, onClosed: () => void channel.close() });
