/** Opens a tunnel with a network interface. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { Capture, type CaptureOptions } from '../../tunnel/capture/capture.js';
import type { InterfaceTunnel } from '../../tunnel/interface/interface-tunnel.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { RunningTunnel } from './running-tunnel.js';
import { RIGHT, USERSPACE } from './open-interface.js';

/**
 * Configures addresses and routes, and starts the handshake.
 *
 * @param device not started yet; the caller closes it if this function fails
 * @throws UserError of kind `permission` or `tunnel` if the operating system rejects the
 * configuration or the capture file cannot be created
 */
export async function openTun(
  device: InterfaceTunnel,
  { capture: captureOptions }: { readonly capture?: CaptureOptions | undefined },
  config: TunnelConfig,
  ports: TunnelPorts,
): Promise<RunningTunnel> {
  const capture = captureOptions && (await Capture.open(captureOptions, ports, config));
  try {
    return {
      tunnel: await start(device, config, capture),
      failed: failWhenGone(device),
      up: { mode: device.mode, interface: device.interfaceName },
      counters: () => ({}),
      giveUp: () => undefined,
      close: async () => {
        await device.close();
        await capture?.close();
      },
    };
  } catch (error) {
    await capture?.close();
    throw error;
  }
}

async function start(
  device: InterfaceTunnel,
  config: TunnelConfig,
  capture: Capture | undefined,
): Promise<Tunnel> {
  try {
    return await device.start(config, capture?.ports);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new UserError(code === 'EPERM' ? 'permission' : 'tunnel', {
      what: `cannot configure the network interface ${device.interfaceName}`,
      why: messageOf(error),
      next: nextFor(code, remedyOf(error)),
      cause: error,
    });
  }
}

/** Returns the commands that an administrator can run to fix the interface, if known. */
function remedyOf(error: unknown): string {
  const isKnown = error instanceof Error && 'remedy' in error && typeof error.remedy === 'string';
  return isKnown ? (error.remedy as string) : '';
}

function nextFor(code: string, remedy: string): readonly string[] {
  if (remedy !== '') {
    const commands = remedy.split('\n').map((command) => `sudo ${command}`);
    return [`Run the missing steps: ${commands.join(' && ')}.`, RIGHT, USERSPACE];
  }
  switch (code) {
    case 'EPERM':
      return [RIGHT, USERSPACE];
    case 'EEXIST':
      return ['Remove the conflicting entry, either from this machine or from the allowed IPs.'];
    default:
      return ["Or use --mode=userspace, which does not change this machine's network."];
  }
}

/** Returns a promise that rejects if another program removes the interface. */
function failWhenGone({ gone, interfaceName }: InterfaceTunnel): Promise<never> {
  const failure = gone.then((cause): never => {
    throw new UserError('tunnel', {
      what: `the network interface ${interfaceName} was removed`,
      why: messageOf(cause),
      next: ['Restart "arctun up", or run it as a service that restarts automatically.'],
      cause,
    });
  });
  // While a command of arc.json runs, this promise has no other handler.
  failure.catch(() => undefined);
  return failure;
}
