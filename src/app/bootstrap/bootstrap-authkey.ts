/**
 * Creates a virtual SIM with the SORACOM API and writes its arc.json, or renews the session of the
 * SIM that an arc.json already has.
 *
 * A SIM costs money and its private key is told once. So: what can be refused is refused before
 * the first call; a journal says that createSim is about to be called before it is, once; its
 * answer is on the disk before anything else; and a run that finds the journal of another one
 * finishes that.
 */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import type { Files } from '../../ports/files.js';
import { UserError } from '../../lib/user-error.js';
import { refuseWhileRescued } from './bootstrap-rescue.js';
import { resumeBootstrap } from './bootstrap-resume.js';
import {
  refreshExisting,
  unsavedProfileNotes,
  type BootstrapAuthkeyOptions,
  type BootstrapPorts,
  type BootstrapResult,
  type BootstrapRun,
  type Outcome,
} from './bootstrap-run.js';
import { proveTargetWritable, readBootstrapTarget } from './bootstrap-target.js';
import { adoptSim, confirmCreation, createSim } from './create-sim.js';
import { arcProfileOf } from '../credentials/arc-profile.js';
import { labelSim } from './label-sim.js';
import { sessionStatePath } from '../session/session-state.js';
import { signedIn } from '../credentials/signed-in.js';
import { findInterruptedRun } from './sim-journal.js';
import { requireSimId } from '../sim/sim-target.js';

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
  if (options.adopt !== undefined) requireSimId(options.adopt);
  const existing = await readBootstrapTarget(files, options.path);
  refuseOtherSim(existing, options, files);
  const interrupted = await findInterruptedRun(ports.journals, options.path);
  if (!existing && !interrupted?.progress.created)
    await refuseWhileRescued(files, options.path, options.stateFolder);
  await proveWritable(interrupted ? undefined : existing, options, files);

  return signedIn(existing?.profile, ports, signal, async (api, credentials) => {
    const profile = options.saveProfile ? arcProfileOf(credentials) : undefined;
    const { endpoint } = credentials;
    const run: BootstrapRun = { options, ports, api, endpoint, profile };
    const outcome = interrupted
      ? await resumeBootstrap(interrupted, existing, run)
      : await bootstrap(existing, run);
    const warnings = await labelSim(outcome.simId, options.labels ?? {}, api);
    const again = warnings.length > 0 ? [REPEAT_LABELS] : [];
    const unsaved = unsavedProfileNotes(options, profile);
    const notes = [...outcome.notes, ...unsaved, ...warnings, ...again];
    return { path: files.absolute(options.path), ...outcome, notes };
  });
}

const REPEAT_LABELS = 'Run the same command again to repeat this: it creates no second SIM.';

/** With nothing left over from an earlier run. */
async function bootstrap(existing: ArcConfig | undefined, run: BootstrapRun): Promise<Outcome> {
  if (existing) return refreshExisting(existing, run);
  const { adopt } = run.options;
  if (adopt !== undefined) return adoptSim(adopt, run);
  await confirmCreation(run);
  return createSim(run);
}

/** A session alone can stand in the state folder; a key belongs into arc.json. */
async function proveWritable(
  refreshed: ArcConfig | undefined,
  { path, stateFolder }: BootstrapAuthkeyOptions,
  files: Files,
): Promise<void> {
  try {
    await proveTargetWritable(files, path);
  } catch (error) {
    if (refreshed === undefined) throw error;
    try {
      await files.createFolder(stateFolder);
      await files.proveWritable(sessionStatePath(refreshed.simId, { files, stateFolder }));
    } catch {
      throw error;
    }
  }
}

function refuseOtherSim(
  existing: ArcConfig | undefined,
  { adopt, path }: BootstrapAuthkeyOptions,
  files: Files,
): void {
  if (existing === undefined || adopt === undefined || existing.simId === adopt) return;
  throw new UserError('usage', {
    what: `nothing was changed for ${files.absolute(path)}`,
    why: `it holds SIM ${existing.simId}, and --adopt names another`,
    next: ['Name another file with --config, or move this one away.'],
  });
}
