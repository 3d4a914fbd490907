/** Makes the checks of `doctor` for each SIM of a folder. */
import type { NamedConfig } from '../fleet/fleet-configs.js';
import { TaskLimit } from '../fleet/task-limit.js';
import { findTunnels } from '../status/find-tunnels.js';
import type { Check } from './check.js';
import type { DoctorOptions, DoctorPorts } from './doctor-ports.js';
import { examine } from './examine.js';

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
  configs: readonly NamedConfig[],
  options: Omit<DoctorOptions, 'config' | 'mode'>,
  ports: DoctorPorts,
  onStep: (step: string) => void,
): Promise<readonly SimChecks[]> {
  const { reports } = await findTunnels({ folders: options.runFolders }, ports.connections);
  // The SIMs share the listeners, which a running `up` with several SIMs has opened.
  let listeners = reports.some(({ isOfFleet }) => isOfFleet) ? [] : options.listeners;
  const limit = new TaskLimit(MAX_EXAMINED);
  let done = 0;
  const checked = configs.map(({ name, path }) => {
    const single = { ...options, listeners, config: path, mode: 'userspace' as const };
    listeners = [];
    return limit.run(async () => {
      options.signal.throwIfAborted();
      const checks = await examine(single, ports, () => undefined);
      onStep(`Checked ${++done} of ${configs.length} SIMs`);
      return { sim: name, checks };
    });
  });
  return Promise.all(checked);
}
