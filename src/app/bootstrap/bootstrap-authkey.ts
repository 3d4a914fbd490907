/**
 * Creates a virtual SIM with the SORACOM API and writes its arc.json, or creates a new session for
 * the SIM in an existing arc.json.
 */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import type {
  BootstrapApi,
  BootstrapAuthkeyOptions,
  BootstrapPorts,
  BootstrapResult,
  SignedInRun,
  SimRun,
} from './bootstrap-run.js';
import { type OpenedTarget, openBootstrapTarget } from './bootstrap-target.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';
import { arcProfileOf } from '../credentials/signed-in.js';
import { labelSim, refuseUnknownGroup } from './label-sim.js';
import { signedIn } from '../credentials/signed-in.js';
import { configOf } from './creation-steps.js';
import { runSteps } from './sim-run.js';

/**
 * @param signal cancels the run, except during steps that must finish
 * @throws MissingCredentialsError, UserError of kind `usage`
 * @throws UserError of another kind if the target cannot be used or the user must decide
 * @throws ApiError
 * @throws BootstrapRescueError if a SIM was created but its arc.json could not be written to `path`
 */
export async function bootstrapAuthkey(
  options: BootstrapAuthkeyOptions,
  ports: BootstrapPorts,
  signal?: AbortSignal,
): Promise<BootstrapResult> {
  const target = await openBootstrapTarget(options, ports);
  return signedIn(target.existing?.profile, ports, signal, async (api, credentials) => {
    await refuseUnknownGroup(options.labels ?? {}, api);
    return bootstrapOpened(target, options, ports, { api, credentials });
  });
}

/**
 * Creates or refreshes the SIM of one arc.json, after sign-in.
 *
 * @throws the errors of `bootstrapAuthkey`
 */
export async function bootstrapOpened(
  { existing, journal }: OpenedTarget,
  options: BootstrapAuthkeyOptions,
  ports: BootstrapPorts,
  { api, credentials }: { readonly api: BootstrapApi; readonly credentials: Credentials },
): Promise<BootstrapResult> {
  const { files } = ports;
  const { path, adopt, labels = {} } = options;
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
}

const REPEAT_LABELS = 'Try again. This will not create a second SIM.';

/** Returns a note if --save-profile was given but arc.json cannot hold these credentials. */
export function unsavedProfileNotes({ options, profile }: SignedInRun): readonly string[] {
  return options.saveProfile && profile === undefined ? [noProfile(options.path)] : [];
}

const noProfile = (path: string) =>
  `No profile was saved in ${path}, because a profile can hold only an auth key and cannot be used to switch users.`;
