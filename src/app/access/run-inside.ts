/**
 * Runs a program in a network of its own: the process inside the namespaces. It is the gateway of the
 * program's network, and reaches the tunnel through the local socket of the process outside.
 */
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import { CommandError, type ForegroundPrograms } from '../../ports/command-runner.js';
import type { InsideIsolation } from '../../ports/isolation.js';
import type { Log } from '../../ports/log.js';
import type { PacketInterface } from '../../ports/packet-interfaces.js';
import { DnsForwarder } from '../../proxy/dns/dns-forwarder.js';
import { DnsUpstream } from '../../proxy/dns/dns-upstream.js';
import { type Lifeline, openLifeline } from '../../proxy/shared/lifeline.js';
import type { LocalStreams } from '../../proxy/shared/local-streams.js';
import { SharedDatagramDialer } from '../../proxy/shared/shared-datagrams.js';
import { SharedDialer } from '../../proxy/shared/shared-dialer.js';
import { SharedEchoDialer } from '../../proxy/shared/shared-echo.js';
import { Gateway } from '../../tunnel/gateway/gateway.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { notStarted } from './exec-program.js';
import { insideError } from './isolation-error.js';
import {
  type IsolationSettings,
  isolationRequest,
  readIsolationReply,
} from './isolation-settings.js';
import { failureFrom } from './portable-failure.js';
import { lostError } from './share-tunnel.js';

/**
 * The address at which the gateway answers DNS queries. RFC 3927 2.1 reserves 169.254.0.0/24, and RFC
 * 6666 assigns 100::/64 to discarded packets, so no host in the tunnel has these addresses.
 */
const DNS_ADDRESS = '169.254.0.53';
const DNS_ADDRESS_IPV6 = '100::53';

/** How long, in milliseconds, the program's last data may take to arrive. */
const GRACE = 4_000;
const GRACE_INTERVAL = 10;

/** The exit code if the process outside was killed. */
const KILLED = 137;

export interface RunInsidePorts extends Pick<TunnelPorts, 'clock' | 'entropy'> {
  readonly inside: InsideIsolation;
  readonly localStreams: LocalStreams;
  readonly programs: ForegroundPrograms;
  readonly createLog: (options: IsolationSettings['log']) => Log;
}

/**
 * @param socket the local socket of the process outside
 * @param command the program and its arguments
 * @returns the program's exit status as a shell reports it
 * @throws UserError if the network cannot be set up
 * @throws ProgramError if the program cannot be started
 */
export async function runInside(
  socket: string,
  command: readonly string[],
  ports: RunInsidePorts,
): Promise<number> {
  const network = await ports.inside.network();
  const connect = () => ports.localStreams.open(socket);
  const lifeline = await openLifeline(isolationRequest(network), connect).catch(
    (error: unknown) => {
      throw notIsolated(error);
    },
  );
  const settings = readIsolationReply(lifeline.reply);
  // The network ends with this process, together with all its programs. Without new namespaces, that
  // would be the network of the whole system.
  if (settings === undefined || settings.outerNetwork === network) throw notIsolated();
  const gateway = await openGateway(connect, settings, ports);
  try {
    const run = runProgram(command, ports);
    const code = await Promise.race([run, lifeline.end.then(() => undefined)]);
    await ports.inside.endPrograms(network);
    if (code === undefined) return KILLED;
    await drain(gateway, lifeline, ports);
    return code;
  } finally {
    gateway.close();
    // The process outside removes the folder as well, unless it was killed.
    await ports.inside.removeFolder(settings.folder);
    lifeline.close();
  }
}

function notIsolated(cause?: unknown): UserError {
  return new UserError('usage', {
    what: 'cannot run the program in its own network',
    why: 'this command is a part of "arctun exec --netns"',
    next: ['Run: arctun exec --netns -- PROGRAM'],
    cause,
  });
}

async function openGateway(
  connect: () => ReturnType<LocalStreams['open']>,
  settings: IsolationSettings,
  ports: RunInsidePorts,
): Promise<Gateway> {
  const { inside, clock, entropy } = ports;
  const { addresses, mtu } = settings;
  const isIpv4 = addresses.some((address) => !address.includes(':'));
  const dnsAddress = isIpv4 ? DNS_ADDRESS : DNS_ADDRESS_IPV6;
  const log = ports.createLog(settings.log);
  let device: PacketInterface | undefined;
  try {
    device = await inside.openNetwork({ addresses, mtu });
    if (!(await inside.setNameServer(dnsAddress, settings.folder))) {
      log.warn({}, '/etc/resolv.conf does not exist, so the program cannot look up names');
    }
    await inside.dropRights();
  } catch (error) {
    device?.close();
    throw insideError(error);
  }
  const shared = {
    connect,
    refusal: (reply: Readonly<Record<string, unknown>>) => failureFrom(reply, 'arctun exec'),
    lost: () => lostError('arctun exec'),
  };
  const dialer = new SharedDialer(shared);
  const datagramDialer = new SharedDatagramDialer(shared);
  const { nameServers: servers, hosts, fallbackHosts } = settings;
  const nameServers = { servers, datagrams: datagramDialer, streams: dialer };
  const upstream = new DnsUpstream({ ...nameServers, clock, entropy });
  return new Gateway({
    ...{ device, mtu, dialer, datagramDialer, dnsAddress, clock, entropy },
    echoDialer: new SharedEchoDialer(shared, clock),
    dns: new DnsForwarder({ upstream, hosts, fallbackHosts, clock, log }),
  });
}

async function runProgram(
  command: readonly string[],
  { programs }: RunInsidePorts,
): Promise<number> {
  try {
    return await programs.run(command, {});
  } catch (error) {
    throw error instanceof CommandError ? notStarted(command, error) : error;
  }
}

/** Waits until the data that the program has sent has left. */
async function drain(
  gateway: Gateway,
  { end }: Lifeline,
  { clock }: RunInsidePorts,
): Promise<void> {
  const over = new AbortController();
  void end.then(() => over.abort());
  const deadline = clock.now() + GRACE;
  do {
    // The first pause gives the gateway the packets that are still in the interface.
    await pause(GRACE_INTERVAL, clock);
  } while (gateway.isBusy && !over.signal.aborted && clock.now() < deadline);
}
