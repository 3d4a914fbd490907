/** Makes all checks of `doctor`: first on this machine, then outside, then inside the tunnel. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { findTunnels } from '../status/find-tunnels.js';
import { findSimHolder } from '../up/claim-sim.js';
import {
  checkAccount,
  checkClock,
  type CheckedAccount,
  checkServerName,
} from './outside-checks.js';
import {
  attempt,
  type Check,
  CHECK_NAMES,
  type CheckName,
  ok,
  skipped,
  skippedFor,
} from './check.js';
import { type CheckedKeys, checkFileAccess, checkKeys, findConfig } from './config-checks.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';
import {
  checkLeftovers,
  checkPorts,
  checkStateFolder,
  checkSystem,
  fixFailure,
} from './machine-checks.js';
import { natObstacle, type NatRequest } from './nat-check.js';
import { examineTunnel, type SimUser, TUNNEL_CHECKS } from './tunnel-checks.js';

/**
 * Resolves with one result for each of CHECK_NAMES, in that order, but with `nat` only if
 * `options.nat` is set. A failure that is only the consequence of another one is not a problem of
 * its own: such a check is skipped.
 *
 * @param onStep called with the name of each stage
 * @throws the abort reason of `options.signal`
 */
export async function examine(
  options: DoctorOptions,
  ports: DoctorPorts,
  onStep: (step: string) => void,
): Promise<readonly Check[]> {
  onStep('Checking this machine');
  const { check, arcConfig } = await findConfig(options, ports);
  const results =
    arcConfig === undefined
      ? [check, ...(await examineMachine(options, ports))]
      : [check, ...(await examineAll(arcConfig, options, ports, onStep))];
  const byName = new Map(results.map((result) => [result.name, result]));
  const names = CHECK_NAMES.filter((name) => name !== 'nat' || options.nat);
  return names.map((name) => byName.get(name) ?? skippedFor(name, 'config'));
}

/** Makes the checks that do not need arc.json. */
async function examineMachine(options: DoctorOptions, ports: DoctorPorts): Promise<Check[]> {
  const { signal } = options;
  const profile: ArcProfile | undefined = undefined;
  return Promise.all([
    checkFolder(options, ports),
    ...checkSystemAndPorts('', undefined, options, ports),
    attempt('clock', signal, () => checkClock(profile, signal, ports)),
  ]);
}

/** The second check uses the result of the first, and starts after it. */
function checkSystemAndPorts(
  interfaceName: string,
  user: SimUser | undefined,
  options: DoctorOptions,
  ports: DoctorPorts,
): readonly [Promise<Check>, Promise<Check>] {
  const { signal } = options;
  const facts = checkSystem(options, interfaceName, ports);
  return [
    attempt('system', signal, async () => (await facts).check),
    attempt('ports', signal, async () =>
      checkPorts(options, (await facts).hasInterface, user, ports),
    ),
  ];
}

function checkFolder(options: DoctorOptions, ports: DoctorPorts): Promise<Check> {
  return attempt('state-folder', options.signal, () =>
    checkStateFolder(options, ports, options.fix),
  );
}

async function examineAll(
  arcConfig: LoadedArcConfig,
  options: DoctorOptions,
  ports: DoctorPorts,
  onStep: (step: string) => void,
): Promise<Check[]> {
  const { signal, fix, nameServers } = options;
  const publicKey = ports.crypto.publicKey(arcConfig.config.privateKey.expose());
  const user = await findUser(publicKey, options, ports);
  const keys = checkKeys(arcConfig, nameServers, ports);
  const access = await attempt('file-access', signal, () => checkFileAccess(arcConfig, ports));
  const left = await checkLeft(arcConfig, publicKey, user, options, ports);
  const local = await Promise.all([
    checkFolder(options, ports),
    fixed(access, fix),
    ...checkSystemAndPorts(arcConfig.config.interface, user, options, ports),
  ]);
  onStep('Asking SORACOM');
  const outside = await examineOutside(arcConfig, keys.tunnelConfig, options, ports);
  const { account, clock, serverName } = outside;
  const checks = [...local, left.check, keysBeside(account, keys), account.check, clock];
  if (keys.tunnelConfig === undefined) return [...checks, ...without('keys')];
  checks.push(serverName);
  const obstacle = left.isTunnelOpen
    ? 'leftovers'
    : [serverName, account.check].find(isFatal)?.name;
  if (obstacle !== undefined && user.report === undefined) {
    return [...checks, ...without(obstacle)];
  }
  onStep('Checking the tunnel');
  const background = {
    tunnelConfig: keys.tunnelConfig,
    isSessionConfirmed: account.check.outcome === 'ok',
    suspect: [account.check, clock].find(isFatal)?.name,
    nat: options.nat ? natRequest(arcConfig, account.check, onStep) : undefined,
  };
  return [...checks, ...(await examineTunnel(user, publicKey, background, options, ports))];
}

function natRequest(
  { config: { simId, profile } }: LoadedArcConfig,
  sim: Check,
  onStep: (step: string) => void,
): NatRequest {
  return { simId, profile, onStep, obstacle: natObstacle(sim) };
}

/**
 * A tunnel with such a failure may not get an answer. Wrong credentials and a fast clock do not
 * affect the tunnel.
 */
function isFatal(check: Check): boolean {
  return check.outcome === 'failed' && check.kind === 'tunnel';
}

/** Skips the checks that need a tunnel. */
function without(obstacle: CheckName): Check[] {
  return TUNNEL_CHECKS.map((name) => skippedFor(name, obstacle));
}

/** Finds the process on this machine that is using the SIM. */
async function findUser(
  publicKey: Uint8Array,
  { runFolders }: DoctorOptions,
  { connections, claims }: DoctorPorts,
): Promise<SimUser> {
  const { reports, sockets } = await findTunnels({ folders: runFolders }, connections);
  const report = reports.find((found) => found.publicKey === formatKey(publicKey));
  if (report !== undefined) return { report, socket: sockets.get(report), holder: undefined };
  return { report: undefined, holder: await findSimHolder(publicKey, claims) };
}

async function checkLeft(
  arcConfig: LoadedArcConfig,
  publicKey: Uint8Array,
  { report, holder }: SimUser,
  { signal, fix }: DoctorOptions,
  ports: DoctorPorts,
): Promise<{ check: Check; isTunnelOpen: boolean }> {
  const state = { isTunnelOpen: false };
  const found = await attempt('leftovers', signal, async () => {
    const isInUse = report !== undefined || holder !== undefined;
    const leftovers = await ports.interfaceLeftovers();
    const checked = checkLeftovers(arcConfig, publicKey, isInUse, leftovers);
    state.isTunnelOpen = checked.isTunnelOpen;
    return checked.check;
  });
  const check = await fixed(found, fix);
  return { check, isTunnelOpen: state.isTunnelOpen && check.outcome === 'failed' };
}

async function examineOutside(
  arcConfig: LoadedArcConfig,
  tunnelConfig: TunnelConfig | undefined,
  { signal }: DoctorOptions,
  ports: DoctorPorts,
): Promise<{ account: CheckedAccount; clock: Check; serverName: Check }> {
  const { profile } = arcConfig.config;
  const [account, clock, serverName] = await Promise.all([
    checkAccount(arcConfig, signal, ports),
    attempt('clock', signal, () => checkClock(profile, signal, ports)),
    attempt('server-name', signal, () =>
      tunnelConfig === undefined
        ? skippedFor('server-name', 'keys')
        : checkServerName(tunnelConfig, signal, ports),
    ),
  ]);
  return { account, clock, serverName };
}

/** Adds what SORACOM knows: which of two keys that differ is the SIM's. */
function keysBeside({ check, finding }: CheckedAccount, keys: CheckedKeys): Check {
  if (keys.check.outcome !== 'failed' || keys.own === undefined) return keys.check;
  if (finding === 'other-key') {
    // The wrong private key is the one problem, and publicKey may be right.
    return skipped('keys', 'privateKey and publicKey differ, because the SIM has another key');
  }
  if (check.outcome !== 'ok') return keys.check;
  return { ...keys.check, remedy: `Set publicKey to the SIM's public key: ${keys.own}` };
}

/** Applies the fix of a failed check. If that fails, the problem remains. */
async function fixed(check: Check, isFixing: boolean): Promise<Check> {
  if (!isFixing || check.outcome !== 'failed' || check.fix === undefined) return check;
  try {
    return ok(check.name, `Fixed: ${await check.fix()}`);
  } catch (error) {
    return { ...check, cause: `${check.cause} ${fixFailure(error)}`, fix: undefined };
  }
}
