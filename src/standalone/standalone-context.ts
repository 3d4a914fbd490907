/** The composition root of the single executable: a tunnel in userspace, from this thread. */
import type { UpContext } from '../cli/run-up.js';
import { createSystemContext } from '../cli/system-context.js';
import { createTunnelPorts } from '../cli/tunnel-ports.js';

/** Network interfaces and batches take koffi, which is no file of ours: see `not-here.ts`. */
export function createStandaloneContext(version: string): UpContext {
  const none = () => Promise.resolve(undefined);
  return {
    ...createSystemContext(version),
    tunnelPorts: (log) => createTunnelPorts(log),
    deviceTunnels: none,
    localDeviceTunnels: none,
    interfaceLeftovers: none,
    deviceObstacle: none,
  };
}
