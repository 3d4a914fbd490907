/** Goes on where an earlier run was interrupted, by its journal. */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import { KEY_LENGTH, type ArcConfig } from '../../arc-config/arc-config.js';
import type { Journal } from '../../ports/journals.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { formatKey } from '../../arc-config/value-syntax.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import { mergeProfile, refreshExisting, type BootstrapRun, type Outcome } from './bootstrap-run.js';
import { adoptSim, confirmCreation, createSim, finishCreation } from './create-sim.js';
import { findLostSims, LISTED_AFTER, type LostSim } from './find-lost-sim.js';
import { freshArcConfig } from './fresh-arc-config.js';
import { isoTime } from '../iso-time.js';
import { finishRenewal } from './key-renewal.js';
import {
  addStep,
  endJournal,
  type CreatedStep,
  type CreateSimStep,
  type InterruptedRun,
  type RenewKeyStep,
} from './sim-journal.js';

export async function resumeBootstrap(
  interrupted: InterruptedRun,
  existing: ArcConfig | undefined,
  run: BootstrapRun,
): Promise<Outcome> {
  const { created, createSim: asked, renewKey } = interrupted.progress;
  if (renewKey) return resumeRenewal(renewKey, interrupted, existing, run);
  if (created) return resumeCreated(created, interrupted, existing, run);
  if (!existing) return resumeUnanswered(asked, interrupted, run);
  const outcome = await refreshExisting(existing, run);
  await endJournal(interrupted.journal);
  const orphan = orphanNote(asked?.since, existing.simId);
  return { ...outcome, notes: [...outcome.notes, orphan] };
}

/** Somebody has put another arc.json there since. */
function orphanNote(since: number | undefined, simId: string): string {
  return `An earlier run asked for a virtual SIM and never heard the answer. Unless it is SIM ${simId}, it may exist and be billed: arctun sim list --since ${isoTime(since)}`;
}

async function resumeRenewal(
  renewal: RenewKeyStep,
  { journal, progress }: InterruptedRun,
  existing: ArcConfig | undefined,
  run: BootstrapRun,
): Promise<Outcome> {
  const { files } = run.ports;
  const { simId } = renewal;
  refuseOther(simId, existing, journal.path, run);
  refuseOtherAccount(progress.createSim, journal, run, []);
  run.ports.onStep?.(`Finishing the new key of SIM ${simId}`);
  const base = existing ?? configOf(progress.created, journal) ?? emptyConfig(simId, run);
  const write = (config: ArcConfig) =>
    writeArcConfig(files, run.options.path, {
      ...config,
      ...mergeProfile(existing, run.profile),
    });
  try {
    await finishRenewal(base, renewal, journal, run.api, write);
  } catch (error) {
    const isOpen = progress.createSim !== undefined && progress.created === undefined;
    if (!isOpen || !isUnknownSim(error)) throw error;
    // That id was no SIM's of this account; what became of the one that was asked for is still open.
    await addStep(journal, { step: 'renewal-refused', simId });
    return resumeUnanswered(progress.createSim, { journal, progress }, run);
  }
  const created = progress.createSim !== undefined;
  return {
    simId,
    created,
    notes: [`An earlier run was interrupted; its SIM ${simId} is finished.`],
  };
}

async function resumeCreated(
  step: CreatedStep,
  { journal, progress }: InterruptedRun,
  existing: ArcConfig | undefined,
  run: BootstrapRun,
): Promise<Outcome> {
  const { simId } = step;
  refuseOther(simId, existing, journal.path, run);
  const notes = [
    `An earlier run has created SIM ${simId}; it is finished, and no second one made.`,
  ];
  const kept = configOf(step, journal);
  refuseOtherKey(existing, kept, journal.path, run);
  const config = existing ?? kept;
  // It is our own SIM, without a key: another one can harm nobody.
  if (config === undefined) return { ...(await adoptSim(simId, run, journal)), notes };
  if (existing === undefined) await writeArcConfig(run.ports.files, run.options.path, config);
  const ownKey = progress.createSim?.ownKey ?? false;
  if (ownKey) return { ...(await finishCreation(config, run, journal, ownKey)), notes };
  // arc.json has the key. Time has passed since, so the session is made anew.
  await endJournal(journal);
  const outcome = await refreshExisting(config, run);
  return { ...outcome, created: true, notes: [...notes, ...outcome.notes] };
}

/** It is known only that createSim was called, or was about to be. */
async function resumeUnanswered(
  asked: CreateSimStep | undefined,
  { journal }: InterruptedRun,
  run: BootstrapRun,
): Promise<Outcome> {
  const { options, ports } = run;
  if (options.adopt !== undefined) return adoptSim(options.adopt, run, journal);
  if (options.createAnother) return createAfter(run, journal);
  refuseOtherAccount(asked, journal, run, [
    '--create-another creates a SIM here whatever became of that one.',
  ]);
  ports.onStep?.('Looking for the SIM that an earlier run asked for');
  const since = asked?.since ?? 0;
  const sims = await lookFor(asked, journal, run);
  if (sims.length === 0 && ageOf(asked, run) >= LISTED_AFTER) {
    await confirmCreation(run);
    return createAfter(run, journal);
  }
  const choice = (await ports.chooseSim?.(sims, since)) ?? 'nothing';
  if (choice === 'create-another') return createAfter(run, journal);
  if (choice === 'nothing') throw undecided(sims, since, journal.path);
  return adoptSim(choice.simId, run, journal);
}

/** @throws UserError as `findLostSims`, and that a SIM may exist */
async function lookFor(
  asked: CreateSimStep | undefined,
  { path }: Journal,
  { api }: BootstrapRun,
): Promise<readonly LostSim[]> {
  try {
    return await findLostSims(asked?.clock === 'platform' ? asked.since : undefined, api);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const open = `An earlier run asked for a virtual SIM at ${isoTime(asked?.since)} and never heard the answer: it may exist and be billed (${path}).`;
    const text = { what: error.what, why: error.why, next: [open, ...error.next] };
    throw new UserError(error.kind, text, { cause: error });
  }
}

/** In milliseconds; a clock of this machine may be wrong by years, and says nothing. */
function ageOf(asked: CreateSimStep | undefined, { api }: BootstrapRun): number {
  if (asked?.clock !== 'platform' || api.serverTime === undefined) return 0;
  return api.serverTime - asked.since;
}

/** Elsewhere the SIM is not listed, and that says nothing of whether it exists. */
function refuseOtherAccount(
  asked: CreateSimStep | undefined,
  { path }: Journal,
  { endpoint, api }: BootstrapRun,
  next: readonly string[],
): void {
  if (asked === undefined) return;
  const isOther =
    asked.endpoint !== endpoint ||
    (asked.operatorId !== undefined &&
      api.operatorId !== undefined &&
      asked.operatorId !== api.operatorId);
  if (!isOther) return;
  const there = [asked.operatorId, asked.endpoint]
    .filter((part) => part !== undefined)
    .join(' at ');
  throw new UserError('failed', {
    what: 'nothing was created or changed',
    why: `an earlier run asked ${there} for a virtual SIM and did not come to its end (${path}); this one signs in elsewhere`,
    next: ['Sign in there to go on from where that run came.', ...next],
  });
}

async function createAfter(run: BootstrapRun, journal: Journal): Promise<Outcome> {
  await endJournal(journal);
  return createSim(run);
}

function undecided(sims: readonly LostSim[], since: number, journalPath: string): UserError {
  const asked = `an earlier run asked for a virtual SIM at ${isoTime(since)} and never heard the answer (${journalPath})`;
  const another = '--create-another creates a SIM whatever became of that one.';
  if (sims.length === 0) {
    return new UserError('failed', {
      what: 'nothing was created or changed',
      why: `${asked}; none is listed, but that may take some minutes`,
      next: [
        `Run the same command again after ${isoTime(since + LISTED_AFTER)}: when none is listed then, it creates one.`,
        another,
      ],
    });
  }
  const later = sims.filter(({ isEarlier }) => !isEarlier);
  const earlier = sims.filter(({ isEarlier }) => isEarlier);
  const found = [
    ...(later.length === 0 ? [] : [`created since: ${later.map(describeSim).join(', ')}`]),
    ...(earlier.length === 0
      ? []
      : [`created in the minute before it: ${earlier.map(describeSim).join(', ')}`]),
  ];
  return new UserError('failed', {
    what: 'nothing was created or changed',
    why: [asked, ...found].join('; '),
    next: [
      ...later.map(({ simId }) => `--adopt ${simId} gives it a new key and writes its arc.json.`),
      ...(sims.length > 1 || earlier.length > 0 ? [OTHER_DEVICE] : []),
      another,
    ],
  });
}

const OTHER_DEVICE =
  'Adopt only the SIM of that request: a device that uses another one loses its connection.';

function describeSim({ simId, createdTime, name }: LostSim): string {
  return `${simId}${name === '' ? '' : ` (${name})`} at ${isoTime(createdTime)}`;
}

function refuseOther(
  simId: string,
  existing: ArcConfig | undefined,
  journalPath: string,
  { options, ports }: BootstrapRun,
): void {
  if (existing === undefined || existing.simId === simId) return;
  throw new UserError('configuration', {
    what: `nothing was changed for ${ports.files.absolute(options.path)}`,
    why: `it holds SIM ${existing.simId}, and ${journalPath} the key of SIM ${simId}, which an earlier run did not finish`,
    next: [`Move the file away to finish SIM ${simId}, or delete the journal to lose its key.`],
  });
}

/** One of the two keys opens the tunnel, and nobody here knows which. */
function refuseOtherKey(
  existing: ArcConfig | undefined,
  kept: ArcConfig | undefined,
  journalPath: string,
  { options, ports }: BootstrapRun,
): void {
  if (existing === undefined || kept === undefined) return;
  if (formatKey(existing.privateKey.expose()) === formatKey(kept.privateKey.expose())) return;
  throw new UserError('configuration', {
    what: `nothing was changed for ${ports.files.absolute(options.path)}`,
    why: `it holds another key of SIM ${existing.simId} than ${journalPath}, where an earlier run has kept the one that the SIM was created with`,
    next: [
      'If that file works, delete the journal; if not, move the file away and run the same command again.',
    ],
  });
}

function isUnknownSim(error: unknown): boolean {
  return (
    error instanceof UserError && error.cause instanceof ApiError && error.cause.status === 404
  );
}

function configOf(step: CreatedStep | undefined, { path }: Journal): ArcConfig | undefined {
  return step?.arcJson === undefined ? undefined : parseArcConfig(step.arcJson, { path });
}

function emptyConfig(simId: string, { options }: BootstrapRun): ArcConfig {
  const zeroKey = new Uint8Array(KEY_LENGTH);
  const part = { privateKey: new Secret(zeroKey), publicKey: zeroKey, simId };
  return freshArcConfig(part, options.platform);
}
