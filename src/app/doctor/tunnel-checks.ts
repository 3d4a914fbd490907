/** Checks the tunnel: that of a running `up`, otherwise one that is opened for the checks. */
import type { KeyClaim } from '../../ports/key-claims.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { StatusReport } from '../status/status-report.js';
import { findSimHolder } from '../up/claim-sim.js';
import { simUseLine } from '../up/sim-use.js';
import { attempt, type Check, skipped, skippedFor } from './check.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';
import { type Background, checkOwnHandshake, checkRunningHandshake } from './handshake-check.js';
import { checkNameServers, checkThroughRunning, checkUnifiedEndpoint } from './inside-checks.js';
import { checkPathMtu } from './path-mtu-check.js';
import { rivalResult, runningRival, watchForRival } from './rival-check.js';

/** The process on this machine that is using the SIM. */
export interface SimUser {
  /** The status of a running `up`. */
  readonly report: StatusReport | undefined;
  /** A clause about any other process: `arctun send (pid 4711) is using this SIM`. */
  readonly holder: string | undefined;
}

export async function examineTunnel(
  { report, holder }: SimUser,
  publicKey: Uint8Array,
  background: Background,
  options: DoctorOptions,
  ports: DoctorPorts,
): Promise<Check[]> {
  if (report !== undefined) return examineRunning(report, background, options, ports);
  if (holder !== undefined) return unexamined(holder);
  const claim = await takeClaim(publicKey, options, ports);
  if (claim === 'taken') {
    return unexamined((await findSimHolder(publicKey, ports.claims)) ?? 'the SIM was just in use');
  }
  try {
    return await examineOwn(background, options, ports);
  } finally {
    await claim?.close();
  }
}

/** A second tunnel would disconnect the other process. */
function unexamined(holder: string): Check[] {
  const names = ['handshake', 'name-servers', 'unified-endpoint', 'path-mtu', 'rival'] as const;
  return names.map((name) => skipped(name, holder));
}

/** @returns undefined on a system without claims, on which a tunnel can still be opened */
async function takeClaim(
  publicKey: Uint8Array,
  { pid }: DoctorOptions,
  { claims }: DoctorPorts,
): Promise<KeyClaim | 'taken' | undefined> {
  const line = simUseLine({ command: 'doctor', pid });
  try {
    return (await claims.take(publicKey, () => line)) ?? 'taken';
  } catch {
    return undefined;
  }
}

async function examineRunning(
  report: StatusReport,
  background: Background,
  { signal }: DoctorOptions,
  { system }: DoctorPorts,
): Promise<Check[]> {
  const handshake = checkRunningHandshake(report, background);
  const rival = runningRival(report);
  const mtu = skipped('path-mtu', `arctun up (pid ${report.pid}) is using the SIM`);
  if (report.health !== 'up') {
    const names = skippedFor('name-servers', 'handshake');
    const endpoint = skippedFor('unified-endpoint', 'handshake');
    return [handshake, names, endpoint, mtu, rival];
  }
  const [names, endpoint] = await checkThroughRunning(report, system);
  signal.throwIfAborted();
  return [handshake, ...beside(rival, [names, endpoint, mtu]), rival];
}

async function examineOwn(
  background: Background,
  { signal, nameServers }: DoctorOptions,
  ports: DoctorPorts,
): Promise<Check[]> {
  const { tunnelConfig: config } = background;
  const { clock, entropy } = ports;
  const tunnel = await UserspaceTunnel.open(config, ports, { watchForRivals: true });
  try {
    const handshake = await attempt('handshake', signal, () =>
      checkOwnHandshake(tunnel, background, signal, ports),
    );
    if (handshake.outcome !== 'ok') return [handshake, ...unshaken()];
    const watching = watchForRival(tunnel, clock, signal);
    const [[names, mtu], endpoint] = await Promise.all([
      checkNamesAndMtu(),
      attempt('unified-endpoint', signal, () => checkUnifiedEndpoint(tunnel, signal)),
      watching,
    ]);
    const rival = rivalResult(await watching);
    return [handshake, ...beside(rival, [names, endpoint, mtu]), rival];
  } finally {
    await tunnel.close({ gracePeriod: 0 });
  }

  async function checkNamesAndMtu(): Promise<readonly [Check, Check]> {
    let server: string | undefined;
    const names = await attempt('name-servers', signal, async () => {
      const found = await checkNameServers(nameServers, tunnel, entropy, signal);
      [server] = found.answering;
      return found.check;
    });
    if (server === undefined) return [names, skippedFor('path-mtu', 'name-servers')];
    const where = { server, config, signal };
    const mtu = await attempt('path-mtu', signal, () =>
      checkPathMtu(where, tunnel.datagramDialer, { clock, entropy }),
    );
    return [names, mtu];
  }
}

function unshaken(): Check[] {
  const names = ['name-servers', 'unified-endpoint', 'path-mtu', 'rival'] as const;
  return names.map((name) => skippedFor(name, 'handshake'));
}

/** If a rival takes the session, missing answers prove nothing. */
function beside(rival: Check, checks: readonly Check[]): Check[] {
  if (rival.outcome !== 'failed') return [...checks];
  return checks.map((check) =>
    check.outcome === 'failed' ? skippedFor(check.name, 'rival') : check,
  );
}
