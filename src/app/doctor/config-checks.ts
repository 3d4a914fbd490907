/** Checks arc.json: its content, its keys, and who can read or write it. */
import { quote } from 'shell-quote';

import { isZeroKey } from '../../arc-config/arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { sameBytes } from '../../lib/same-bytes.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { readableWarning, refuseHooksOfOthers } from '../config/config-file-rights.js';
import { type LoadedArcConfig, loadTunnelConfig } from '../config/load-arc-config.js';
import { planTunnel } from '../up/plan-tunnel.js';
import { type Check, failed, failedBy, ok, skipped } from './check.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';

export interface FoundConfig {
  readonly check: Check;
  /** Undefined if the configuration cannot be used. */
  readonly arcConfig: LoadedArcConfig | undefined;
}

/** Reads arc.json with the same checks as `up`. */
export async function findConfig(
  { config, stateFolder }: Pick<DoctorOptions, 'config' | 'stateFolder'>,
  { files, system }: Pick<DoctorPorts, 'files' | 'system'>,
): Promise<FoundConfig> {
  try {
    const arcConfig = await loadTunnelConfig(config, { files, stateFolder });
    return { arcConfig, check: ok('config', `${arcConfig.source} is valid.`) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const check = failedBy('config', error);
    const isDenied = error.kind === 'permission';
    const remedy = `Run as a user who can read the file, or as root: chown ${system.user ?? ''} ${quote([config])}`;
    return { arcConfig: undefined, check: isDenied ? { ...check, remedy } : check };
  }
}

/** Checks that only this user can read and write the file, which contains a private key. */
export function checkFileAccess(
  arcConfig: LoadedArcConfig,
  { system }: Pick<DoctorPorts, 'system'>,
): Check {
  const { path, source, otherWriters = [] } = arcConfig;
  if (path === undefined) return skipped('file-access', 'the configuration is not a file');
  refuseHooksOfOthers(arcConfig);
  const fix = async () => {
    await system.makePrivate(path);
    return `Set the mode of ${source} to 0600.`;
  };
  const problem = {
    kind: 'permission' as const,
    remedy: `Run: chmod 600 ${quote([path])}`,
    fix,
  };
  // Without commands in the file, a folder of the user's own group is not a risk.
  const writer = otherWriters.find((other) => other.fault === 'mode' && !other.isFolder);
  if (writer !== undefined) {
    const text = `Other users can write to ${source}.`;
    const cause = 'The mode of the file allows it, so another user could redirect the tunnel.';
    return failed('file-access', { ...problem, text, cause });
  }
  if (readableWarning(arcConfig) === undefined) {
    return ok('file-access', `Only this user and root can read and write ${source}.`);
  }
  const text = `Other users can read ${source}.`;
  const cause = 'The mode of the file allows it, and the file contains the private key of the SIM.';
  return failed('file-access', { ...problem, text, cause });
}

export interface CheckedKeys {
  readonly check: Check;
  /** Undefined if no tunnel can be opened with these keys. */
  readonly tunnelConfig: TunnelConfig | undefined;
  /** The public key that belongs to privateKey, if publicKey is another one. */
  readonly own?: string;
}

/** Checks that publicKey belongs to privateKey, and that the server has another key. */
export function checkKeys(
  arcConfig: LoadedArcConfig,
  nameServers: readonly string[],
  { crypto }: Pick<DoctorPorts, 'crypto'>,
): CheckedKeys {
  const { config, source } = arcConfig;
  let tunnelConfig: TunnelConfig;
  try {
    tunnelConfig = planTunnel({ arcConfig, nameServers }, { crypto });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { check: failedBy('keys', error), tunnelConfig: undefined };
  }
  const own = crypto.publicKey(config.privateKey.expose());
  const { publicKey } = config;
  if (isZeroKey(publicKey) || sameBytes(own, publicKey)) {
    return { check: ok('keys', `The keys in ${source} are consistent.`), tunnelConfig };
  }
  const shown = formatKey(own);
  const check = failed('keys', {
    kind: 'configuration',
    text: `publicKey in ${source} does not belong to privateKey.`,
    cause: 'One of the two keys was changed, or belongs to another SIM.',
    remedy: `If this SIM has the public key ${shown}, set publicKey to that value; otherwise use the arc.json that has the SIM's private key.`,
  });
  return { check, tunnelConfig, own: shown };
}
