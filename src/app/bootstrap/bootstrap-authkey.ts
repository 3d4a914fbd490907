/**
 * Creates a virtual SIM with the SORACOM API and writes its arc.json, or renews the session of the
 * SIM that an arc.json already has.
 */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import type {
  BootstrapAuthkeyOptions,
  BootstrapPorts,
  BootstrapResult,
  SignedInRun,
  SimRun,
} from './bootstrap-run.js';
import { openBootstrapTarget } from './bootstrap-target.js';
import { arcProfileOf } from '../credentials/arc-profile.js';
import { labelSim } from './label-sim.js';
import { signedIn } from '../credentials/signed-in.js';
import { configOf } from './creation-steps.js';
import { runSteps } from './sim-run.js';

/**
 * @param signal stops the work where that loses nothing; it rejects with the signal's reason
 * @throws MissingCredentialsError, UserError of kind `usage`
 * @throws UserError of kind `configuration`, `permission`, `failed` when the target is refused or
 *   the user's word is needed; nothing was created then
 * @throws ApiError
 * @throws BootstrapRescueError when a SIM was created and its arc.json stands nowhere near `path`
 */
export async function bootstrapAuthkey(
  options: BootstrapAuthkeyOptions,
  ports: BootstrapPorts,
  signal?: AbortSignal,
): Promise<BootstrapResult> {
  const { files } = ports;
  const { path, adopt, labels = {} } = options;
  const { existing, journal } = await openBootstrapTarget(options, ports);
  return signedIn(existing?.profile, ports, signal, async (api, credentials) => {
    const profile = options.saveProfile ? arcProfileOf(credentials) : undefined;
    const { endpoint } = credentials;
    const run: SimRun = {
      ...{ options, ports, api, endpoint, profile, existing, journal, adopt, notes: [] },
      ...{ config: existing, created: false, keptIn: undefined },
      write: (config) => writeArcConfig(files, path, config),
    };
    await runSteps(run);
    const { simId } = configOf(run);
    const warnings = await labelSim(simId, labels, api);
    const again = warnings.length > 0 ? [REPEAT_LABELS] : [];
    const notes = [...run.notes, ...unsavedProfileNotes(run), ...warnings, ...again];
    return { path: run.keptIn ?? files.absolute(path), simId, created: run.created, notes };
  });
}

const REPEAT_LABELS = 'Run the same command again to repeat this: it creates no second SIM.';

/** A note if --save-profile was given and arc.json cannot hold these credentials. */
export function unsavedProfileNotes({ options, profile }: SignedInRun): readonly string[] {
  return options.saveProfile && profile === undefined ? [NO_PROFILE] : [];
}

const NO_PROFILE =
  'No profile was written into arc.json: it can hold an auth key alone, of a user who is not changed.';
