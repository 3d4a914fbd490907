/** Runs `bootstrap authkey --count`, with its prompt and output. */
import {
  bootstrapMany,
  type BootstrapManyOptions,
  type ManySims,
} from '../../../app/bootstrap/bootstrap-many.js';
import { BootstrapRescueError } from '../../../app/bootstrap/bootstrap-rescue.js';
import { UserError } from '../../../lib/errors/user-error.js';
import type { Context } from '../../context.js';
import { type CommandLineToken, isGiven } from '../../flags/flag.js';
import type { Output } from '../../output/output.js';
import { createProgress } from '../../output/progress.js';
import { renderJson, renderText } from '../../output/render.js';
import { confirmCount } from '../confirm.js';
import { type BootstrapFlags, bootstrapPorts, STOPPING } from './authkey.js';

export interface ManyFlags extends BootstrapFlags {
  readonly count?: number | undefined;
  readonly 'name-prefix'?: string | undefined;
  readonly 'output-folder'?: string | undefined;
  readonly yes: boolean;
}

/**
 * @returns the settings of several SIMs; undefined if the command line asks for one SIM
 * @throws UserError of kind `usage` for flags that do not fit together
 */
export function manySims(
  flags: ManyFlags,
  tokens: readonly CommandLineToken[],
): Pick<BootstrapManyOptions, 'count' | 'namePrefix' | 'folder' | 'yes'> | undefined {
  const { count, 'name-prefix': namePrefix, 'output-folder': folder, yes } = flags;
  if (count === undefined) {
    for (const flag of ['name-prefix', 'output-folder', 'yes'] as const) {
      if (flags[flag] !== undefined && flags[flag] !== false) throw needsCount(flag);
    }
    return undefined;
  }
  if (namePrefix === undefined || folder === undefined) throw needsFolder(count);
  if (isGiven('config', tokens)) throw twoPlaces();
  return { count, namePrefix, folder, yes };
}

/** @throws UserError; StoppedError after a signal */
export async function runBootstrapMany(
  options: BootstrapManyOptions,
  flags: BootstrapFlags,
  context: Context,
  output: Output,
): Promise<void> {
  const progress = createProgress(context, flags);
  const signal = await context.stopSignal();
  const ports = await bootstrapPorts(flags, context, progress, signal);
  signal.addEventListener('abort', () => output.note(STOPPING));
  const asking = context.isInteractive() && {
    confirm: (count: number) => confirmCount(CREATION, count, signal),
  };
  const many: ManySims = await bootstrapMany(
    options,
    {
      ...{ ...ports, ...asking },
      clock: await context.clock(),
      onSim: ({ name, simId, created }) => {
        progress.end();
        const text = created ? 'created' : 'setup finished';
        if (!flags.json) output.write(renderText(`${name}: SIM ${simId} ${text}\n`));
      },
    },
    signal,
  ).catch((error: unknown) => {
    progress.end('failed');
    throw error;
  });
  progress.end('failure' in many ? 'failed' : 'done');
  for (const note of many.notes) output.note(note);
  show(many, options, flags, output);
  if ('failure' in many) throw many.failure;
}

function show(
  { sims, notes, failure }: ManySims,
  { count, folder }: BootstrapManyOptions,
  { json }: BootstrapFlags,
  output: Output,
): void {
  const missing = count - sims.length;
  const isRescue = failure instanceof BootstrapRescueError;
  // If the key could not be saved to a file, print the key, because SORACOM cannot show it again.
  const arcJson = isRescue ? failure.arcJson?.expose() : undefined;
  if (json) {
    const unsaved = arcJson !== undefined && { arcJson: JSON.parse(arcJson) as object };
    output.write(renderJson({ folder, count, missing, sims, notes, ...unsaved }));
  } else {
    output.write(renderText(`${sims.length} of ${count} SIMs are in ${folder}\n`));
    if (arcJson !== undefined) output.write(arcJson);
  }
  // Another run must wait until the user has saved the key, as the error says.
  if (failure === undefined || isRescue) return;
  output.note(
    `${sims.length} of ${count} SIMs exist in ${folder}. Run the same command again to create the others: it does not create a SIM twice.`,
  );
}

const CREATION = 'SIMs are billed until you terminate them. Type the number of SIMs';

function needsCount(flag: string): UserError {
  return wrong(`--${flag} works only with --count`, `Add --count, or remove --${flag}.`);
}

function needsFolder(count: number): UserError {
  const why = '--count needs the names of the SIMs, and a folder for their configurations';
  const example = `--count ${count} --name-prefix sensor- --output-folder sims`;
  return wrong(why, `Use the form ${example}.`);
}

function twoPlaces(): UserError {
  const why = '--config names one file, but --count writes a file for each SIM';
  return wrong(why, 'Use --output-folder instead of --config.');
}

function wrong(why: string, next: string): UserError {
  return new UserError('usage', {
    what: 'cannot create several SIMs',
    why,
    next: ['Nothing was created or changed.', next],
  });
}
