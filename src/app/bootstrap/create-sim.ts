/** A virtual SIM for an arc.json that is not there yet: a new one, or one that lost its key. */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import { KEY_LENGTH, type ArcConfig } from '../../arc-config/arc-config.js';
import { FileError } from '../../ports/files.js';
import type { Journal } from '../../ports/journals.js';
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import { parseKey } from '../../arc-config/value-syntax.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/user-error.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import { simMayExist } from '../../soracom/api-error.js';
import { readSession, readSessionOrNone, withSession } from '../session/arc-session.js';
import { mergeProfile, type BootstrapRun, type Outcome } from './bootstrap-run.js';
import { BootstrapRescueError, keepArcConfig, proveStillAbsent } from './bootstrap-rescue.js';
import { freshArcConfig } from './fresh-arc-config.js';
import { isRefusedRenewal, renewKeyAlone, renewKeyWithin, renewSimKey } from './key-renewal.js';
import { addStep, endJournal, startJournal } from './sim-journal.js';

export async function createSim(run: BootstrapRun): Promise<Outcome> {
  const { options, ports, api } = run;
  const journal = await startJournal(ports.journals, options.path, {
    step: 'create-sim',
    since: api.serverTime ?? ports.now(),
    clock: api.serverTime === undefined ? 'local' : 'platform',
    endpoint: run.endpoint,
    ...(api.operatorId !== undefined && { operatorId: api.operatorId }),
    ownKey: options.ownKey ?? false,
  });
  await refuseAppeared(run, journal);
  ports.onStep?.('Creating a virtual SIM');
  const sim = await askForSim(run, journal);
  const config = newSimConfig(sim, run);
  if (config === undefined) {
    await addStep(journal, { step: 'created', simId: sim.simId });
    throw keylessError(
      sim.simId,
      'Run the same command again: it gives that SIM a key, and creates no second one.',
    );
  }
  await keepNewConfig(config, run, journal);
  return finishCreation(config, run, journal, options.ownKey ?? false);
}

/**
 * Asks the person at the wizard before a SIM is created. Call it before the journal of an earlier run ends:
 * after a no, the next run still knows of that run's SIM.
 *
 * @throws UserError of kind `failed` if the person says no
 */
export async function confirmCreation({
  options,
  ports,
  endpoint,
}: Pick<BootstrapRun, 'options' | 'endpoint'> & {
  readonly ports: Pick<BootstrapRun['ports'], 'confirmSim' | 'files'>;
}): Promise<void> {
  if (ports.confirmSim === undefined) return;
  const { name, group, tags = [] } = options.labels ?? {};
  const isWanted = await ports.confirmSim([
    ['SORACOM API', endpoint],
    ['Configuration file', ports.files.absolute(options.path)],
    ...(name === undefined ? [] : [['Name', name] as const]),
    ...(group === undefined ? [] : [['Group', group] as const]),
    ...tags.map(({ tagName, tagValue }) => ['Tag', `${tagName}=${tagValue}`] as const),
  ]);
  if (isWanted) return;
  throw new UserError('failed', {
    what: 'no virtual SIM was created',
    why: 'you did not confirm it',
    next: ['Run the same command again, and answer yes.'],
  });
}

/**
 * Another run may have come from its first step to its last since this one looked. From here on the
 * journal keeps others away.
 */
async function refuseAppeared({ options, ports }: BootstrapRun, journal: Journal): Promise<void> {
  try {
    await proveStillAbsent(ports.files, options.path);
  } catch (error) {
    await endJournal(journal).catch(() => undefined);
    if (!(error instanceof FileError)) throw error;
    const text = {
      what: 'nothing was created or changed',
      why: `${ports.files.absolute(options.path)}: ${error.message}`,
      next: ['Run the same command again: it makes a session for the SIM that is there.'],
    };
    throw new UserError('failed', text, { cause: error });
  }
}

async function askForSim({ api }: BootstrapRun, journal: Journal): Promise<SimResponse> {
  try {
    return await api.createSim();
  } catch (error) {
    // The journal stays where a SIM may exist: the next run looks for it.
    if (!simMayExist(error)) await endJournal(journal).catch(() => undefined);
    throw error;
  }
}

/**
 * What createSim's answer makes of an arc.json.
 * @returns undefined when the answer has no private key
 */
export function newSimConfig(
  sim: SimResponse,
  { options, profile }: Pick<BootstrapRun, 'options' | 'profile'>,
): ArcConfig | undefined {
  const keys = simKeys(sim);
  if (keys === undefined) return undefined;
  const session = sim.arcSessionStatus && readSessionOrNone(sim.arcSessionStatus);
  const part = { ...keys, simId: sim.simId, ...(session && { arcSessionStatus: session }) };
  return { ...freshArcConfig(part, options.platform), ...mergeProfile(undefined, profile) };
}

/**
 * The keys stand in the profile that carries a private one. soratun looks under the SIM's id; the
 * map's key is an ICCID, which is the same thing for a stand-alone virtual SIM only.
 */
function simKeys({
  profiles = {},
}: SimResponse): Pick<ArcConfig, 'privateKey' | 'publicKey'> | undefined {
  for (const profile of Object.values(profiles)) {
    const privateKey = parseKey(profile?.arcClientPeerPrivateKey?.expose() ?? '');
    if (privateKey === undefined) continue;
    const publicKey = parseKey(profile?.arcClientPeerPublicKey ?? '') ?? new Uint8Array(KEY_LENGTH);
    return { privateKey: new Secret(privateKey), publicKey };
  }
  return undefined;
}

/** @param how to give the SIM a key: a sentence */
export function keylessError(simId: string, how: string): UserError {
  return new UserError('api', {
    what: `SIM ${simId} was created, but no arc.json could be made for it`,
    why: 'the answer of the SORACOM API has no private key',
    next: [how, `Or terminate it with \`arctun sim terminate ${simId}\`: it is billed until then.`],
  });
}

/** The journal has taken its room already, so it holds the key also when the disk is full. */
async function keepNewConfig(
  config: ArcConfig,
  run: BootstrapRun,
  journal: Journal,
): Promise<void> {
  const { options, ports } = run;
  const { simId } = config;
  const done = `SIM ${simId} was created`;
  try {
    const arcJson = formatArcConfig(config);
    await addStep(journal, { step: 'created', simId, arcJson });
  } catch {
    await keepWithoutJournal(config, run, journal, done);
    return;
  }
  ports.onStep?.('Writing arc.json');
  try {
    await proveStillAbsent(ports.files, options.path);
    await ports.files.replaceText(options.path, formatArcConfig(config));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const text = {
      what: `${done}, but ${ports.files.absolute(options.path)} could not be written`,
      why: error.message,
      next: [
        `Its key is safe in ${journal.path}. Mend the cause, then run the same command again: it finishes that SIM and creates no second one.`,
      ],
    };
    throw new UserError('failed', text, { cause: error });
  }
}

async function keepWithoutJournal(
  config: ArcConfig,
  { options, ports }: BootstrapRun,
  journal: Journal,
  done: string,
): Promise<void> {
  const warning = 'Do not run bootstrap again for this SIM: it would create a second one.';
  const plan = { path: options.path, rescueFolder: options.stateFolder };
  try {
    await keepArcConfig(ports.files, config, { ...plan, replace: false, done, warning });
  } catch (error) {
    // The next run finds the rescued file; a journal that knows of no SIM would lead it astray.
    const isKept = error instanceof BootstrapRescueError && error.rescuePath !== undefined;
    if (isKept) await endJournal(journal).catch(() => undefined);
    throw error;
  }
}

/** The key is safe by now; whatever fails here is repaired by a second run. */
export async function finishCreation(
  config: ArcConfig,
  run: BootstrapRun,
  journal: Journal,
  ownKey: boolean,
): Promise<Outcome> {
  if (ownKey) await replaceKey(config, run, journal);
  else if (config.arcSessionStatus === undefined) await addSession(config, run);
  await endJournal(journal);
  return { simId: config.simId, created: true, notes: [] };
}

async function replaceKey(
  config: ArcConfig,
  { options, ports, api }: BootstrapRun,
  journal: Journal,
): Promise<void> {
  ports.onStep?.('Replacing the key by one of our own');
  const write = (renewed: ArcConfig) => writeArcConfig(ports.files, options.path, renewed);
  try {
    await renewSimKey(config, ports.createKeyPair(), journal, api, write);
  } catch (error) {
    // Any other failure says itself what there is now, and that the same command goes on.
    if (!isRefusedRenewal(error)) throw error;
    const text = {
      what: `SIM ${config.simId} was created and works, but its key is not our own`,
      why: `${error.what}: ${error.why}`,
      next: [...error.next, '`arctun sim renew-key` makes the key of our own later.'],
    };
    throw new UserError(error.kind, text, { cause: error });
  }
}

async function addSession(config: ArcConfig, { options, ports, api }: BootstrapRun): Promise<void> {
  ports.onStep?.('Creating an Arc session');
  try {
    const session = readSession(await api.createArcSession(config.simId), config.simId);
    await writeArcConfig(ports.files, options.path, withSession(config, session));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const place = ports.files.absolute(options.path);
    const text = {
      what: `SIM ${config.simId} was created and its key is in ${place}, but it has no session`,
      why: `${error.what}: ${error.why}`,
      next: [...error.next, 'Run the same command again: it creates a session, not a second SIM.'],
    };
    throw new UserError(error.kind, text, { cause: error });
  }
}

/**
 * Gives a SIM whose key is lost another one, and writes its arc.json.
 * @param journal of the run that lost it; a new one when absent
 */
export async function adoptSim(
  simId: string,
  run: BootstrapRun,
  journal?: Journal,
): Promise<Outcome> {
  const { options, ports, api, profile } = run;
  ports.onStep?.(`Giving SIM ${simId} a new key`);
  const zeroKey = new Uint8Array(KEY_LENGTH);
  const part = { privateKey: new Secret(zeroKey), publicKey: zeroKey, simId };
  const fresh = { ...freshArcConfig(part, options.platform), ...mergeProfile(undefined, profile) };
  const write = (config: ArcConfig) => writeArcConfig(ports.files, options.path, config);
  const keyPair = ports.createKeyPair();
  if (journal) await renewKeyWithin(fresh, keyPair, journal, api, write);
  else {
    const beforeCall = (started: Journal) => refuseAppeared(run, started);
    const place = { journals: ports.journals, path: options.path, beforeCall };
    await renewKeyAlone(fresh, keyPair, place, api, write);
  }
  return { simId, created: false, notes: [] };
}
