/** Sets up the system's DNS for an open tunnel, and puts it back before the tunnel closes. */
import { type DnsSetup, setUpSystemDns, type SystemDnsPorts } from '../names/system-dns.js';
import type { RunningTunnel } from './running-tunnel.js';

export interface OpenSystemDnsOptions {
  /** undefined if DNS is not set up. */
  readonly dnsSetup?: DnsSetup | undefined;
  readonly nameServers: readonly string[];
  readonly interfaceName: string;
  readonly signal: AbortSignal;
}

/**
 * @param running closed if this function fails
 * @throws UserError of kind `permission` or `failed`
 */
export async function openSystemDns(
  running: RunningTunnel,
  { dnsSetup, signal, ...options }: OpenSystemDnsOptions,
  ports: SystemDnsPorts,
): Promise<RunningTunnel> {
  if (dnsSetup === undefined) return running;
  try {
    const dns = await setUpSystemDns({ ...dnsSetup, ...options }, ports, signal);
    return {
      ...running,
      close: async (graceMs) => {
        await dns.undo();
        await running.close(graceMs);
      },
    };
  } catch (error) {
    await running.close(0);
    throw error;
  }
}
