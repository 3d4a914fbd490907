/**
 * `bootstrap authkey --dump-config`: prints arc.json to standard output, not to a file. If an
 * arc.json exists, its SIM gets a new session, and no other SIM is created.
 */
import { resolveConfigSource } from '../../arc-config/config-source.js';
import { INLINE_CONFIG } from '../../lib/text/config-name.js';
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import { simMayExist } from '../../soracom/api-error.js';
import { readSession, withSession } from '../session/arc-session.js';
import { keepArcConfig, refuseWhileRescued } from './bootstrap-rescue.js';
import { unsavedProfileNotes } from './bootstrap-authkey.js';
import type { BootstrapAuthkeyOptions, BootstrapPorts, SignedInRun } from './bootstrap-run.js';
import { readBootstrapTarget } from './bootstrap-target.js';
import { newSimConfig, withProfile } from './fresh-arc-config.js';
import { arcProfileOf } from '../credentials/signed-in.js';
import { labelSim, refuseUnknownGroup } from './label-sim.js';
import { signedIn } from '../credentials/signed-in.js';
import { addSession, retold } from './key-renewal.js';
import { SimJournal } from './sim-journal.js';
import { confirmCreation, keylessError } from './creation-steps.js';

export interface DumpPorts extends BootstrapPorts {
  /** Writes to standard output; rejects if the write fails. */
  print(text: string): Promise<void>;
  /** How errors describe a failure of `print`, as a clause. */
  readonly unprinted?: string;
}

const UNPRINTED = 'its arc.json could not be written to standard output';

/**
 * @returns notes for the user, as sentences
 * @throws the errors of `bootstrapAuthkey`; BootstrapRescueError if standard output fails
 */
export async function dumpBootstrap(
  options: BootstrapAuthkeyOptions,
  ports: DumpPorts,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const existing = await readSource(options.path, ports);
  if (!existing) await refuseToCreate(options, ports);
  return signedIn(existing?.profile, ports, signal, async (api, credentials) => {
    await refuseUnknownGroup(options.labels ?? {}, api);
    const profile = options.saveProfile ? arcProfileOf(credentials) : undefined;
    const run = { options, ports, api, endpoint: credentials.endpoint, profile };
    const config = existing ? await renewed(existing, run) : await created(run);
    const warnings = await labelSim(config.simId, options.labels ?? {}, api);
    return [...unsavedProfileNotes(run), ...warnings];
  });
}

/** Refuses to run if an earlier run was interrupted: only a run that writes files can resume it. */
async function refuseToCreate(options: BootstrapAuthkeyOptions, ports: DumpPorts): Promise<void> {
  if (options.ownKey || options.adopt !== undefined) throw needsFile();
  await refuseWhileRescued(ports.files, options.path, options.stateFolder);
  const journal = await SimJournal.open(ports.journals, options.path);
  if (journal.line === 'none') return;
  throw new UserError('failed', {
    what: 'cannot create a virtual SIM',
    why: `an earlier run was interrupted and may have created one (${journal.path})`,
    next: [
      'Nothing was created or changed.',
      'Run the same command without --dump-config to finish that run.',
    ],
  });
}

interface DumpRun extends SignedInRun {
  readonly ports: DumpPorts;
}

function readSource(path: string, { files }: DumpPorts): Promise<ArcConfig | undefined> {
  const source = resolveConfigSource(path);
  if (source.kind === 'path') return readBootstrapTarget(files, path);
  return Promise.resolve(parseArcConfig(source.text, { path: INLINE_CONFIG }));
}

async function renewed(existing: ArcConfig, { api, ports, profile }: DumpRun): Promise<ArcConfig> {
  const { simId } = existing;
  const session = readSession(await api.createArcSession(simId), simId);
  const config = withProfile(withSession(existing, session), profile);
  try {
    await ports.print(formatArcConfig(config));
  } catch (error) {
    throw new UserError('failed', {
      what: 'cannot write arc.json to standard output',
      why: messageOf(error),
      next: [`Try again: SIM ${simId} has a new session, which was not saved.`],
      cause: error,
    });
  }
  return config;
}

async function created(run: DumpRun): Promise<ArcConfig> {
  const { options, ports, api, profile } = run;
  await confirmCreation(run);
  ports.onStep?.('Creating a virtual SIM');
  const sim = await askForSim(api);
  const config = newSimConfig(sim, { platform: options.platform });
  // Without a journal, the same command would create a second SIM.
  if (config === undefined) throw keylessError(sim.simId, adoption(sim.simId));
  const { whole, failure } = await trySession(withProfile(config, profile), api);
  try {
    await ports.print(formatArcConfig(whole));
  } catch (error) {
    throw await keepUnprinted(whole, run, error);
  }
  if (failure !== undefined) throw failure;
  return whole;
}

function adoption(simId: string): string {
  return `Run \`arctun bootstrap authkey --adopt ${simId}\` to give that SIM a key and write its arc.json.`;
}

/**
 * Calls createSim. Because there is no journal, no later run can find the SIM if the response is
 * lost.
 */
async function askForSim(api: DumpRun['api']): Promise<SimResponse> {
  try {
    return await api.createSim();
  } catch (error) {
    if (!(error instanceof UserError) || !simMayExist(error)) throw error;
    throw retold(error, [
      'Before you retry, look for a new SIM with `arctun sim list --since 10m`: a billed SIM may already exist.',
      `${adoption('SIM_ID')} Or run \`arctun sim terminate SIM_ID\` to stop its billing.`,
    ]);
  }
}

/** Adds a session if createSim did not return one. Even if this fails, the key must be printed. */
async function trySession(
  config: ArcConfig,
  api: DumpRun['api'],
): Promise<{ whole: ArcConfig; failure?: Error }> {
  if (config.arcSessionStatus !== undefined) return { whole: config };
  try {
    const whole = await addSession(config, api, () => Promise.resolve(), {
      what: `SIM ${config.simId} was created and its arc.json was printed, but the SIM has no session`,
      next: 'Save the output as arc.json, then run bootstrap again to create a session.',
    });
    return { whole };
  } catch (error) {
    // Also if the caller aborts: SORACOM does not show the key again.
    return { whole: config, failure: error as Error };
  }
}

/** A new private key must be on disk before it replaces the old one, so a file is required. */
function needsFile(): UserError {
  return new UserError('usage', {
    what: 'cannot generate the key locally',
    why: 'a new key must be saved in a file first, and --dump-config does not write a file',
    next: [
      'Nothing was created.',
      'Remove --dump-config, and read the file afterwards, for example with jq.',
    ],
  });
}

async function keepUnprinted(
  config: ArcConfig,
  { options, ports }: DumpRun,
  error: unknown,
): Promise<UserError> {
  const reason = messageOf(error);
  const { unprinted = UNPRINTED } = ports;
  const done = `SIM ${config.simId} was created, but ${unprinted} (${reason})`;
  const warning = 'Do not run bootstrap again for this SIM: that would create a second SIM.';
  const plan = { path: options.path, rescueFolder: options.stateFolder };
  await keepArcConfig(ports.files, config, { ...plan, replace: false, done, warning });
  return new UserError('failed', {
    what: done,
    why: `arc.json was saved in ${ports.files.absolute(options.path)} instead`,
    cause: error,
  });
}
