/** createTunnel() of the library. */
import { type LoadedArcConfig, loadTunnelConfig } from '../app/config/load-arc-config.js';
import { withFinding } from '../app/session/config-updates.js';
import { openTunnel } from '../app/up/open-tunnel.js';
import { planTunnel } from '../app/up/plan-tunnel.js';
import type { Crypto } from '../crypto/crypto.js';
import { selectCrypto } from '../crypto/select.js';
import { UserError } from '../lib/errors/user-error.js';
import { TaskLimit } from '../lib/task-limit.js';
import type { Log, LogLevel } from '../ports/log.js';
import { systemClock, systemWallClock } from '../system/clock.js';
import { systemEntropy } from '../system/entropy.js';
import { systemFiles } from '../system/files/files.js';
import { stateFolder } from '../system/files/state-folder.js';
import { createTimestampStore } from '../system/files/timestamps.js';
import { createTrafficStore } from '../system/files/traffic.js';
import { loadLibc } from '../system/linux/libc.js';
import { createLog } from '../system/log.js';
import { systemResolver } from '../system/network/resolver.js';
import { udpSockets } from '../system/network/udp-socket.js';
import type { TrafficBudget } from '../tunnel/traffic/traffic-budget.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';
import type { UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import { checkTunnelOptions, type CreateTunnelOptions } from './tunnel-options.js';

/**
 * Limits how many tunnels are set up at once; the handshakes themselves are not limited. Otherwise,
 * if a program opens many tunnels together, the server answers some initiations with a cookie, and
 * V8 cannot collect temporary objects early (docs/explanation/memory.md).
 */
const setUps = new TaskLimit({ most: 4, patience: { ms: 1_000, timers: systemClock } });

/** See createTunnel() in index.ts. */
export async function createTunnel(options: CreateTunnelOptions): Promise<UserspaceTunnel> {
  const chosen = readOptions(options);
  const setUp = await setUps.run(() => setUpTunnel(chosen), chosen.signal);
  const { tunnel, handshake, updates } = setUp;
  try {
    await handshake;
    return tunnel;
  } catch (error) {
    await tunnel.close();
    throw withFinding(error, updates?.finding);
  }
}

type ChosenOptions = ReturnType<typeof readOptions>;

/** Reads and checks the options now, because the caller may change the object while the call waits. */
function readOptions(options: CreateTunnelOptions) {
  const config = configText(options);
  const { persistentKeepalive, congestion, signal, renewal } = options;
  const { wait = 20_000, logLevel = 'silent' } = options;
  checkTunnelOptions(options);
  return {
    ...{ config, wait, signal, congestion, logLevel, renewal },
    overrides: { persistentKeepalive },
    budget: budgetOf(options),
    home: { files: systemFiles, stateFolder: stateFolder() },
  };
}

/** Opens a tunnel, whose first handshake is then pending. */
async function setUpTunnel(chosen: ChosenOptions) {
  const { wait, signal, congestion, overrides, budget, home } = chosen;
  const arcConfig = await loadTunnelConfig(chosen.config, home, overrides);
  const ports = await tunnelPorts(chosen);
  const plan = (one: LoadedArcConfig) =>
    planTunnel({ arcConfig: one, congestion, overrides, budget }, ports);
  const tunnelConfig = plan(arcConfig);
  const renewal = await loadRenewal(chosen, arcConfig);
  const { tunnel, handshake } = await openTunnel(tunnelConfig, { wait, signal }, ports);
  const updates = renewal?.start(tunnel, { arcConfig, tunnelConfig, plan }, ports);
  if (updates !== undefined) tunnel.beforeClose(() => updates.close());
  return { tunnel, handshake, updates };
}

/** Loads the SORACOM API client only if it is needed, because loading it takes long. */
async function loadRenewal({ renewal, home }: ChosenOptions, arcConfig: LoadedArcConfig) {
  if (renewal === undefined) return undefined;
  const { prepareRenewal } = await import('./renewal.js');
  return prepareRenewal(renewal, arcConfig, home);
}

function budgetOf({ budget }: CreateTunnelOptions): TrafficBudget | undefined {
  return budget && { day: budget.dayBytes, month: budget.monthBytes };
}

/** Traffic is stored only for a budget, because a program may open many tunnels. */
async function tunnelPorts({ logLevel, budget, home }: ChosenOptions): Promise<TunnelPorts> {
  const log = logOf(logLevel);
  return {
    crypto: await (crypto ??= loadLibc().then(selectCrypto)),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log,
    timestamps: createTimestampStore(home.stateFolder, log),
    ...(budget && { traffic: createTrafficStore(home.stateFolder, log) }),
  };
}

/** All tunnels share one cryptographic backend. */
let crypto: Promise<Crypto> | undefined;

/** One log for each level. All tunnels share it, because a log uses more memory than a tunnel. */
const logs = new Map<LogLevel, Log>();

function logOf(level: LogLevel): Log {
  let log = logs.get(level);
  if (log === undefined) {
    log = createLog(level, 'text');
    logs.set(level, log);
  }
  return log;
}

/** @throws UserError of kind `usage` if the config is neither a string nor a plain object */
function configText(options: CreateTunnelOptions | undefined): string {
  const config: unknown = options?.config;
  if (typeof config === 'string' && config !== '') return config;
  if (typeof config === 'object' && config !== null && !ArrayBuffer.isView(config)) {
    return JSON.stringify(config);
  }
  throw new UserError('usage', {
    what: 'cannot use the config option of createTunnel',
    why: `the option must not be ${config === '' ? 'empty' : `of type ${typeof config}`}`,
    next: [
      'Pass the path of arc.json, its content as JSON or in base64, or an object with the same members.',
    ],
  });
}
