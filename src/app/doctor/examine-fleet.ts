/** Makes the checks of `doctor` for each SIM of a folder. */
import { formatKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { loadTunnelConfig } from '../config/load-arc-config.js';
import type { FoundConfigs, IgnoredConfig, NamedConfig } from '../fleet/fleet-configs.js';
import { TaskLimit } from '../../lib/task-limit.js';
import { findTunnels } from '../status/find-tunnels.js';
import { type Check, CHECK_NAMES, failed, sentence, skippedFor } from './check.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';
import { examine } from './examine.js';

export interface FleetChecks {
  /** A failed check for each file that `up` ignores. */
  readonly ignored: readonly Check[];
  readonly sims: readonly SimChecks[];
}

/** The checks of one SIM. */
export interface SimChecks {
  readonly sim: string;
  readonly checks: readonly Check[];
}

/** The maximum number of SIMs that are checked at the same time. */
const MAX_EXAMINED = 8;

/**
 * @param onStep called with the progress
 * @returns the checks of each SIM, in the order of `configs`
 * @throws the abort reason of `options.signal`
 */
export async function examineFleet(
  { configs, ignored }: Pick<FoundConfigs, 'configs' | 'ignored'>,
  options: Omit<DoctorOptions, 'config' | 'mode'>,
  ports: DoctorPorts,
  onStep: (step: string) => void,
): Promise<FleetChecks> {
  const { reports } = await findTunnels({ folders: options.runFolders }, ports.connections);
  // The SIMs share the listeners, which a running `up` with several SIMs has opened.
  let listeners = reports.some(({ isOfFleet }) => isOfFleet) ? [] : options.listeners;
  const limit = new TaskLimit({ most: MAX_EXAMINED });
  let done = 0;
  const copies = await findCopies(configs, options, ports);
  const checked = configs.map(({ name, path }) => {
    const first = copies.get(path);
    if (first !== undefined) {
      return Promise.resolve({ sim: name, checks: checksOfCopy(path, first) });
    }
    const single = { ...options, listeners, config: path, mode: 'userspace' as const };
    listeners = [];
    return limit.run(async () => {
      options.signal.throwIfAborted();
      const checks = await examine(single, ports, () => undefined);
      onStep(`Checked ${++done} of ${configs.length} SIMs`);
      return { sim: name, checks };
    });
  });
  return { ignored: ignored.map(ignoredCheck), sims: await Promise.all(checked) };
}

/** Returns the files that have the key of an earlier file, with the path of the earlier one. */
async function findCopies(
  configs: readonly NamedConfig[],
  { stateFolder, signal }: Pick<DoctorOptions, 'stateFolder' | 'signal'>,
  { files, crypto }: Pick<DoctorPorts, 'files' | 'crypto'>,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  const copies = new Map<string, string>();
  for (const { path } of configs) {
    signal.throwIfAborted();
    const key = await loadTunnelConfig(path, { files, stateFolder }).then(
      ({ config }) => formatKey(crypto.publicKey(config.privateKey.expose())),
      (error: unknown) => {
        // The checks of the SIM report a file that cannot be read.
        if (error instanceof UserError) return undefined;
        throw error;
      },
    );
    if (key === undefined) continue;
    const first = paths.get(key);
    if (first === undefined) paths.set(key, path);
    else copies.set(path, first);
  }
  return copies;
}

/** The other checks would disturb the tunnel of the first file, because the SIM is the same. */
function checksOfCopy(path: string, first: string): readonly Check[] {
  const problem = failed('config', {
    kind: 'configuration',
    text: `${path} has the same private key as ${first}.`,
    cause: 'Both files are for one SIM, and "arctun up" opens only one tunnel for each SIM.',
    remedy: 'Remove one of the two files, or create a virtual SIM for it.',
  });
  const others = CHECK_NAMES.filter((name) => name !== 'config' && name !== 'nat');
  return [problem, ...others.map((name) => skippedFor(name, 'config'))];
}

function ignoredCheck({ path, why, remedy }: IgnoredConfig): Check {
  const text = `${path} is ignored.`;
  return failed('config', { kind: 'configuration', text, cause: sentence(why), remedy });
}
