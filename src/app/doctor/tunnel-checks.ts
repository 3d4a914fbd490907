/** Checks the tunnel: that of a running `up`, otherwise one that is opened for the checks. */
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Rival, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { StatusReport } from '../status/status-report.js';
import { shareTunnel } from '../access/share-tunnel.js';
import { claimSim, type SimClaim, type SimHolder } from '../up/claim-sim.js';
import { attempt, type Check, skipped, skippedFor } from './check.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';
import { type Background, checkOwnHandshake, checkRunningHandshake } from './handshake-check.js';
import {
  checkBudget,
  checkNameServers,
  checkPathMtu,
  checkUnifiedEndpoint,
} from './inside-checks.js';
import { checkNat, type NatRequest } from './nat-check.js';
import { rivalResult, runningRival, watchForRival } from './rival-check.js';

/** The process on this machine that is using the SIM. */
export interface SimUser {
  /** The status of a running `up`. */
  readonly report: StatusReport | undefined;
  /** The control socket of that `up`. */
  readonly socket?: string | undefined;
  /** Any other process. */
  readonly holder: SimHolder | undefined;
}

/** The checks that need a tunnel. */
export const TUNNEL_CHECKS = [
  'handshake',
  'name-servers',
  'unified-endpoint',
  'path-mtu',
  'nat',
  'rival',
] as const;

export async function examineTunnel(
  user: SimUser,
  publicKey: Uint8Array,
  background: Background,
  options: DoctorOptions,
  ports: DoctorPorts,
): Promise<Check[]> {
  const { report, socket = '' } = user;
  if (report !== undefined) return examineRunning({ report, socket }, background, options, ports);
  const use = () => ({ command: 'doctor', pid: options.pid }) as const;
  const claiming = { publicKey, use, force: false, signal: options.signal };
  let claim: SimClaim;
  try {
    claim = await claimSim(claiming, ports);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // A second tunnel would disconnect the other process.
    return TUNNEL_CHECKS.map((name) => skipped(name, error.why));
  }
  try {
    return await examineOwn(background, options, ports);
  } finally {
    await claim.close();
  }
}

interface RunningUp {
  readonly report: StatusReport;
  readonly socket: string;
}

async function examineRunning(
  up: RunningUp,
  background: Background,
  options: DoctorOptions,
  ports: DoctorPorts,
): Promise<Check[]> {
  const { report } = up;
  const handshake = checkRunningHandshake(report, background);
  const rival = runningRival(report);
  const inUse = `arctun up (pid ${report.pid}) is using the SIM`;
  const alone = [skipped('path-mtu', inUse), skipped('nat', inUse)];
  if (report.health !== 'up') {
    const names = skippedFor('name-servers', 'handshake');
    const endpoint = skippedFor('unified-endpoint', 'handshake');
    return [handshake, names, endpoint, ...alone, rival];
  }
  const budget = checkBudget(report);
  if (budget !== undefined) {
    return [handshake, skippedFor('name-servers', 'unified-endpoint'), budget, ...alone, rival];
  }
  const [names, endpoint] = await examineThrough(up, background, options, ports);
  return [handshake, ...beside(rival, [names, endpoint]), ...alone, rival];
}

/** Makes the checks inside the tunnel of a running `up` in userspace, over its control socket. */
async function examineThrough(
  { report: { mode, pid, nameServers: ofUp }, socket }: RunningUp,
  { tunnelConfig: config }: Background,
  { signal, nameServers, pid: ownPid }: DoctorOptions,
  ports: DoctorPorts,
): Promise<readonly [names: Check, endpoint: Check]> {
  const without = (why: string) =>
    [skipped('name-servers', why), skipped('unified-endpoint', why)] as const;
  if (mode !== 'userspace') {
    return without(`doctor does not use the network interface of arctun up (pid ${pid})`);
  }
  const use = { command: 'up', pid, socket } as const;
  const options = {
    config,
    command: 'doctor',
    force: false,
    pid: ownPid,
    wait: 1,
    signal,
  } as const;
  try {
    const tunnel = await shareTunnel({ use }, options, ports);
    const endpoint = await checkUnifiedEndpoint(tunnel, signal);
    if (endpoint.outcome === 'skipped') return [{ ...endpoint, name: 'name-servers' }, endpoint];
    // The programs of this machine use the name servers of `up`.
    const servers = ofUp ?? nameServers;
    const names = await checkNameServers(servers, tunnel, ports.entropy, signal);
    return [names.check, endpoint];
  } catch (error) {
    signal.throwIfAborted();
    return without(messageOf(error));
  }
}

async function examineOwn(
  background: Background,
  { signal, nameServers, rival: isLong }: DoctorOptions,
  ports: DoctorPorts,
): Promise<Check[]> {
  const { nat: request, tunnelConfig } = background;
  const { clock, entropy } = ports;
  // Keepalives would keep the mapping that the check of the NAT waits to be forgotten.
  const config = request === undefined ? tunnelConfig : { ...tunnelConfig, persistentKeepalive: 0 };
  const tunnel = await UserspaceTunnel.open(config, ports, { watchForRivals: true });
  let seen: Pick<Rival, 'why'> | undefined;
  try {
    const handshake = await attempt('handshake', signal, () =>
      checkOwnHandshake(tunnel, background, signal, ports),
    );
    if (handshake.outcome !== 'ok') return [handshake, ...unshaken()];
    const [{ names, mtu, server }, endpoint, watched] = await Promise.all([
      checkNamesAndMtu(),
      attempt('unified-endpoint', signal, () => checkUnifiedEndpoint(tunnel, signal)),
      watchForRival(tunnel, isLong ? 'long' : 'usual', clock, signal),
    ]);
    seen = watched;
    const nat = request === undefined ? [] : [await examineNat(request, server)];
    const rival = rivalResult(seen);
    return [handshake, ...beside(rival, [names, endpoint, mtu]), ...nat, rival];
  } finally {
    await tunnel.close({ gracePeriod: 0 });
  }

  /** @returns also a name server that answers */
  async function checkNamesAndMtu(): Promise<{
    names: Check;
    mtu: Check;
    server: string | undefined;
  }> {
    let server: string | undefined;
    const names = await attempt('name-servers', signal, async () => {
      const found = await checkNameServers(nameServers, tunnel, entropy, signal);
      [server] = found.answering;
      return found.check;
    });
    if (server === undefined) {
      return { names, mtu: skippedFor('path-mtu', 'name-servers'), server };
    }
    const where = { server, config, signal };
    const mtu = await attempt('path-mtu', signal, () =>
      checkPathMtu(where, tunnel.datagramDialer, { clock, entropy }),
    );
    return { names, mtu, server };
  }

  async function examineNat(wanted: NatRequest, server: string | undefined): Promise<Check> {
    if (seen !== undefined) return skippedFor('nat', 'rival');
    if (server === undefined) return skippedFor('nat', 'name-servers');
    const { persistentKeepalive, configName } = tunnelConfig;
    const onRival = (why: string) => (seen ??= { why });
    const { source } = configName;
    const options = { tunnel, server, persistentKeepalive, source, signal, onRival };
    return attempt('nat', signal, () => checkNat(wanted, options, ports));
  }
}

function unshaken(): Check[] {
  const names = TUNNEL_CHECKS.filter((name) => name !== 'handshake');
  return names.map((name) => skippedFor(name, 'handshake'));
}

/** If a rival takes the session, missing answers prove nothing. */
function beside(rival: Check, checks: readonly Check[]): Check[] {
  if (rival.outcome !== 'failed') return [...checks];
  return checks.map((check) =>
    check.outcome === 'failed' ? skippedFor(check.name, 'rival') : check,
  );
}
