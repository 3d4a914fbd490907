/** The steps that create a virtual SIM, give a SIM a new key, or create a new session. */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { commandFor } from '../../lib/text/config-name.js';
import { FileError } from '../../ports/files.js';
import { ApiError, simMayExist } from '../../soracom/api-error.js';
import { isoTime } from '../iso-time.js';
import { renewKey as adviceForKey } from '../sim/diagnose-sim.js';
import { refreshSession } from '../session/refresh-session.js';
import { BootstrapRescueError, keepArcConfig, proveStillAbsent } from './bootstrap-rescue.js';
import type { SignedInRun, SimRun } from './bootstrap-run.js';
import { keylessArcConfig, newSimConfig, withProfile } from './fresh-arc-config.js';
import { addSession, isRefusedRenewal, renewKey, renewKeyStep, retold } from './key-renewal.js';

export const creationSteps = {
  /** Creates a new session for the SIM of the existing arc.json. */
  async 'refresh-session'(run: SimRun): Promise<'done'> {
    const { api, ports, options, journal, notes } = run;
    const { createSim } = journal.progress;
    const config = configOf(run);
    ports.onStep?.('Creating an Arc session');
    const target = { original: withProfile(config, run.profile), path: options.path };
    const home = { files: ports.files, stateFolder: options.stateFolder };
    const refreshing = refreshSession(target, api, home);
    const { notice, keptIn, simPublicKey } = await refreshing.catch((error: unknown) => {
      throw withWayOut(error, ports.files.absolute(options.path));
    });
    run.keptIn = keptIn;
    if (notice !== undefined) notes.push(notice);
    if (isOtherKey(simPublicKey, run)) notes.push(otherKey(config.simId, options.path));
    if (options.ownKey || options.adopt !== undefined) notes.push(keyKept(options.path));
    if (createSim !== undefined) {
      // After the earlier run was interrupted, another arc.json appeared.
      await journal.end();
      notes.push(
        `An earlier run requested a virtual SIM but did not receive a response. A second SIM may exist in addition to ${config.simId}. If so, it will also be billed. Run \`arctun sim list --since ${isoTime(createSim.since)}\` to check.`,
      );
    }
    return 'done';
  },

  /**
   * Keeps an interrupted run's journal, so that the next run can find its SIM if the user declines.
   */
  async 'confirm-creation'(run: SimRun): Promise<'announce-sim'> {
    await confirmCreation(run);
    return 'announce-sim';
  },

  /** After this step, a SIM may exist. This run's journal blocks concurrent runs. */
  async 'announce-sim'(run: SimRun): Promise<'create-sim'> {
    const { options, ports, api, endpoint, journal } = run;
    // By this step, the run has decided what to do with a SIM that an earlier run requested.
    if (journal.line !== 'none') await journal.end();
    await journal.add({
      step: 'create-sim',
      since: api.serverTime ?? ports.now(),
      clock: api.serverTime === undefined ? 'local' : 'platform',
      endpoint,
      ...(api.operatorId !== undefined && { operatorId: api.operatorId }),
      ownKey: options.ownKey ?? false,
    });
    await refuseAppeared(run);
    return 'create-sim';
  },

  /** Calls createSim once and writes the response to the journal before doing anything else. */
  async 'create-sim'(run: SimRun): Promise<'write-arc-json' | AfterKey> {
    const { options, ports, api, journal } = run;
    ports.onStep?.('Creating a virtual SIM');
    const sim = await api.createSim().catch(async (error: unknown) => {
      // Keep the journal if a SIM may exist, so that the next run looks for it.
      if (!simMayExist(error)) await journal.end().catch(() => undefined);
      throw error;
    });
    const { simId } = sim;
    const config = newSimConfig(sim, options);
    if (config === undefined) {
      await journal.add({ step: 'created', simId });
      throw keylessError(
        simId,
        'Try again to give that SIM a key. This will not create a second SIM.',
      );
    }
    run.config = withProfile(config, run.profile);
    run.created = true;
    try {
      // The journal's disk space is preallocated, so this write succeeds even on a full disk.
      await journal.add({ step: 'created', simId, arcJson: formatArcConfig(run.config) });
    } catch {
      await keepWithoutJournal(run.config, run);
      return afterKey(run);
    }
    return 'write-arc-json';
  },

  /** Copies the key, which createSim returned, from the journal to arc.json. */
  async 'write-arc-json'(run: SimRun): Promise<AfterKey> {
    const { options, ports, journal } = run;
    const config = configOf(run);
    ports.onStep?.(`Writing ${options.path}`);
    try {
      await proveStillAbsent(ports.files, options.path);
      await ports.files.replaceText(options.path, formatArcConfig(config));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new UserError('failed', {
        what: `SIM ${config.simId} was created, but ${ports.files.absolute(options.path)} could not be written`,
        why: error.message,
        next: [
          `Fix the cause, then try again to finish. The key is safe in ${journal.path}, and no second SIM will be created.`,
        ],
        cause: error,
      });
    }
    return afterKey(run);
  },

  /** Adds a session if createSim did not return one, then removes the journal. */
  async 'add-session'(run: SimRun): Promise<'done'> {
    const { options, ports, api, journal, write } = run;
    const config = configOf(run);
    if (config.arcSessionStatus === undefined) {
      ports.onStep?.('Creating an Arc session');
      const place = ports.files.absolute(options.path);
      await addSession(config, api, write, {
        what: `SIM ${config.simId} was created and its key is in ${place}, but the SIM has no session`,
        next: 'Try again to create a session. This will not create a second SIM.',
      });
    }
    await journal.end();
    return 'done';
  },

  async 'announce-own-key'(run: SimRun): Promise<'renew-key'> {
    run.ports.onStep?.('Replacing the key with a locally generated one');
    await run.journal.add(renewKeyStep(configOf(run).simId, run.ports.createKeyPair()));
    return 'renew-key';
  },

  /** Prepares a new key for the SIM in `adopt`, whose key is lost. */
  async 'adopt-sim'(run: SimRun): Promise<'renew-key'> {
    const { options, ports, journal, adopt: simId } = run;
    if (simId === undefined) throw new RangeError('no SIM was given to adopt');
    ports.onStep?.(`Giving SIM ${simId} a new key`);
    run.config = withProfile(keylessArcConfig(simId, options), run.profile);
    const isFirst = journal.line === 'none';
    await journal.add(renewKeyStep(simId, ports.createKeyPair()));
    if (isFirst) await refuseAppeared(run);
    return 'renew-key';
  },

  /** Sends the journal's public key to SORACOM, then writes arc.json with the key and a session. */
  async 'renew-key'(run: SimRun): Promise<'done'> {
    const { api, journal, created, write } = run;
    const { createSim, created: answered } = journal.progress;
    const config = configOf(run);
    // Whether an earlier run's createSim may have created a SIM whose ID is still unknown.
    const isOpen = !created && (createSim ?? answered) !== undefined;
    try {
      const ifRefused = isOpen ? 'journal-stays' : 'journal-ends';
      run.config = await renewKey({ config, journal, api, write }, ifRefused);
    } catch (error) {
      // Any other error already describes the state and tells the user to repeat the command.
      if (!created || !isRefusedRenewal(error)) throw error;
      throw retold(
        error,
        [
          ...error.next,
          `Run \`${commandFor('sim renew-key', run.options.path)}\` to replace the key with a locally generated one.`,
        ],
        `SIM ${config.simId} was created and works, but its key was not generated locally`,
      );
    }
    return 'done';
  },
};

/** Whether SORACOM reports a public key for the SIM that differs from the key in arc.json. */
function isOtherKey(simPublicKey: string | undefined, run: SimRun): boolean {
  if (simPublicKey === undefined) return false;
  const { privateKey } = configOf(run);
  return simPublicKey !== formatKey(run.ports.publicKeyOf(privateKey.expose()));
}

const otherKey = (simId: string, path: string) =>
  `The key in ${path} is not the key of SIM ${simId}, so the server does not answer handshakes with it. ${adviceForKey(path)}`;

const keyKept = (path: string) =>
  `The key in ${path} is unchanged. Run \`${commandFor('sim renew-key', path)}\` to replace it.`;

/** Adds advice to an error that a terminated SIM or another account's SIM can cause. */
function withWayOut(error: unknown, path: string): unknown {
  if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 404)) return error;
  return error.withAdvice(
    `If that SIM no longer exists, move ${path} elsewhere, or choose another file with --config. Bootstrap will then create a new SIM, which will be billed.`,
  );
}

/**
 * If the wizard runs, asks the user to confirm the new SIM.
 * @throws UserError of kind `failed` if the user declines
 */
export async function confirmCreation(run: SignedInRun): Promise<void> {
  const { options, ports, endpoint } = run;
  const { name, group, tags = [] } = options.labels ?? {};
  const isWanted = await ports.confirmSim?.([
    ['SORACOM API', endpoint],
    ['Configuration file', ports.files.absolute(options.path)],
    ...(name === undefined ? [] : [['Name', name] as const]),
    ...(group === undefined ? [] : [['Group', group] as const]),
    ...tags.map(({ tagName, tagValue }) => ['Tag', `${tagName}=${tagValue}`] as const),
  ]);
  if (isWanted !== false) return;
  throw new UserError('failed', {
    what: 'no virtual SIM was created',
    why: 'you did not answer yes',
    next: ['Try again and answer yes.'],
  });
}

/** Fails if a concurrent run wrote arc.json and finished before this run created its journal. */
async function refuseAppeared({ options, ports, journal }: SimRun): Promise<void> {
  try {
    await proveStillAbsent(ports.files, options.path);
  } catch (error) {
    await journal.end().catch(() => undefined);
    if (!(error instanceof FileError)) throw error;
    throw new UserError('failed', {
      what: 'cannot create a virtual SIM',
      why: `${ports.files.absolute(options.path)}: ${error.message}`,
      next: [
        'Nothing was created or changed.',
        'Try again to create a session for the SIM in that file.',
      ],
      cause: error,
    });
  }
}

/** @param how a sentence that explains how to give the SIM a key */
export function keylessError(simId: string, how: string): UserError {
  return new UserError('api', {
    what: `SIM ${simId} was created, but its arc.json cannot be written`,
    why: 'the response from the SORACOM API does not contain a private key',
    next: [how, `Or run \`arctun sim terminate ${simId}\` to stop its billing.`],
  });
}

/** @throws BootstrapRescueError if arc.json could not be written to its path */
async function keepWithoutJournal(
  config: ArcConfig,
  { options, ports, journal }: SimRun,
): Promise<void> {
  try {
    await keepArcConfig(ports.files, config, {
      path: options.path,
      rescueFolder: options.stateFolder,
      replace: false,
      done: `SIM ${config.simId} was created`,
      warning: 'Save it before you run bootstrap again.',
    });
  } catch (error) {
    // Remove the journal, because it does not contain the SIM ID, and the next run finds the
    // rescued file instead.
    const isKept = error instanceof BootstrapRescueError && error.rescuePath !== undefined;
    if (isKept) await journal.end().catch(() => undefined);
    throw error;
  }
}

/**
 * The step that runs after the key from createSim was written to arc.json. If it fails, the next
 * run repeats it.
 */
type AfterKey = 'announce-own-key' | 'add-session';

function afterKey({ journal }: SimRun): AfterKey {
  return journal.progress.createSim?.ownKey ? 'announce-own-key' : 'add-session';
}

/** Returns the configuration that an earlier step created. */
export function configOf({ config }: SimRun): ArcConfig {
  if (config === undefined) throw new RangeError('no configuration has been created yet');
  return config;
}
