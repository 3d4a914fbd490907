/** Runs `sim terminate --tag`, with its prompt and output. */
import { sweepSims, type SweepOptions, type SweptSim } from '../../app/sim/sweep-sims.js';
import { UserError } from '../../lib/errors/user-error.js';
import { harmless } from '../../lib/text/harmless-text.js';
import type { Context } from '../context.js';
import type { CredentialFlags } from '../flags/credential-flags.js';
import { parseOlderThan } from '../flags/time-flags.js';
import { parseTagFilter } from '../flags/tag-flag.js';
import type { Output } from '../output/output.js';
import { renderJson } from '../output/render.js';
import { renderSimTable } from '../output/tables/sim-table.js';
import { confirmSweep } from './confirm.js';
import { withSimPorts } from './sim-ports.js';

export interface SweepFlags extends CredentialFlags {
  readonly config: string;
  readonly tag?: readonly string[] | undefined;
  readonly 'older-than'?: string | undefined;
  readonly 'dry-run'?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly quiet: boolean;
}

/**
 * @returns undefined if the command line selects one SIM
 * @throws UserError of kind `usage` for flags that do not fit together, or wrong values
 */
export function sweepOptions(
  simId: string | undefined,
  flags: SweepFlags,
): SweepOptions | undefined {
  const { config, tag, 'older-than': olderThan } = flags;
  // oclif leaves flags that are not given undefined.
  const { yes = false, 'dry-run': dryRun = false } = flags;
  if (tag === undefined) {
    if (olderThan !== undefined) throw needsTag('--older-than');
    if (dryRun) throw needsTag('--dry-run');
    return undefined;
  }
  if (simId !== undefined) {
    throw wrong('SIM_ID and --tag cannot be used together', 'Pass either a SIM ID or --tag.');
  }
  if (olderThan === undefined) {
    throw wrong(
      '--tag requires --older-than, so that SIMs in use are not terminated',
      'Add a duration that is longer than your longest job, such as --older-than 2h.',
    );
  }
  return {
    ...{ config, yes, dryRun },
    tags: tag.map(parseTagFilter),
    olderThan: parseOlderThan(olderThan),
  };
}

/** @throws errors of `sweepSims`; UserError if a termination failed, after the output */
export async function runSweep(
  options: SweepOptions,
  flags: SweepFlags,
  context: Context,
  output: Output,
): Promise<void> {
  const claims = await context.keyClaims();
  const { sims, notes, failure } = await withSimPorts(context, flags, (ports, progress, signal) => {
    const asking = context.isInteractive() && {
      confirm: (found: readonly unknown[]) => confirmSweep(found.length, signal),
    };
    return sweepSims(
      options,
      {
        ...{ ...ports, claims, ...asking },
        now: () => context.now(),
        onSims: (found) => {
          progress.end();
          output.note(`These SIMs will be terminated:\n${renderSimTable(found)}`.trimEnd());
        },
        onSwept: (sim) => {
          progress.end();
          if (!flags.json) output.write(lineOf(sim));
        },
      },
      signal,
    );
  });
  for (const note of notes) output.note(note);
  if (sims.length === 0) output.note('No virtual SIM with this tag is old enough.');
  const { dryRun } = options;
  if (flags.json) output.write(renderJson({ dryRun, sims, notes }));
  else if (dryRun && sims.length > 0) output.write(renderSimTable(sims));
  if (failure !== undefined) throw failure;
}

function lineOf({ simId, name, outcome, reason = '' }: SweptSim): string {
  const sim = name === '' ? `SIM ${simId}` : `SIM ${simId} (${harmless(name)})`;
  if (outcome === 'terminated') return `${sim} is terminated and no longer billed.\n`;
  return `${sim} was not terminated: ${harmless(reason)}.\n`;
}

function needsTag(flag: string): UserError {
  return wrong(`${flag} works only with --tag`, `Add --tag, or remove ${flag}.`);
}

function wrong(why: string, next: string): UserError {
  return new UserError('usage', {
    what: 'cannot select the SIMs to terminate',
    why,
    next: ['No SIM was terminated.', next],
  });
}
