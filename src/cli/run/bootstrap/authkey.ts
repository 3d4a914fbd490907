/** Runs `bootstrap authkey`, with its prompts and output. */
import { bootstrapAuthkey } from '../../../app/bootstrap/bootstrap-authkey.js';
import { dumpBootstrap } from '../../../app/bootstrap/bootstrap-dump.js';
import { BootstrapRescueError } from '../../../app/bootstrap/bootstrap-rescue.js';
import type {
  BootstrapAuthkeyOptions,
  BootstrapPorts,
} from '../../../app/bootstrap/bootstrap-run.js';
import type { Context } from '../../context.js';
import type { Output } from '../../output/output.js';
import type { CredentialFlags } from '../../flags/credential-flags.js';
import { createProgress, type Progress } from '../../output/progress.js';
import { renderJson, renderText } from '../../output/render.js';
import { credentialsPort } from '../sign-in.js';
import { askForCreation, askForSim } from '../wizard.js';

export interface BootstrapFlags extends CredentialFlags {
  readonly 'dump-config': boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

export async function runBootstrapAuthkey(
  flags: BootstrapFlags,
  options: BootstrapAuthkeyOptions,
  context: Context,
  output: Output,
): Promise<void> {
  const progress = createProgress(context, flags);
  const signal = await context.stopSignal();
  const ports = await bootstrapPorts(flags, context, progress, signal);
  signal.addEventListener('abort', () => output.note(STOPPING));
  try {
    if (!flags['dump-config']) {
      const { notes, ...result } = await bootstrapAuthkey(options, ports, signal);
      progress.end();
      for (const note of notes) output.note(note);
      if (flags.json) output.write(renderJson({ ...result, notes }));
      else {
        output.write(renderText(`Virtual subscriber SIM ID: ${result.simId}\n`));
        output.write(`Created/updated configuration file: ${result.path}\n`);
      }
      return;
    }
    const print = await context.printer();
    const notes = await dumpBootstrap(options, { ...ports, print }, signal);
    progress.end();
    for (const note of notes) output.note(note);
  } catch (error) {
    progress.end('failed');
    // If the key could not be saved to a file, print the key, because SORACOM cannot show it again.
    const rescued = error instanceof BootstrapRescueError ? error.arcJson : undefined;
    if (rescued !== undefined) output.write(rescued.expose());
    throw error;
  }
}

export const STOPPING =
  'Stopping. Waiting up to 30 s for the virtual SIM that is being created. If you interrupt the command again, its next run will look for that SIM.';

export async function bootstrapPorts(
  flags: CredentialFlags,
  context: Context,
  progress: Progress,
  signal: AbortSignal,
): Promise<BootstrapPorts> {
  let isGuided = false;
  const ports: BootstrapPorts = {
    files: await context.files(),
    journals: await context.journals(),
    credentials: await credentialsPort(context, flags, 'bootstrap', {
      onWizard: () => (isGuided = true),
    }),
    createClient: await context.soracomClients(),
    createKeyPair: await context.keyPairs(),
    publicKeyOf: await context.publicKeyOf(),
    now: () => context.now(),
    onStep: (step) => progress.step(step),
  };
  if (!context.isInteractive()) return ports;
  return {
    ...ports,
    chooseSim: (sims, since) => {
      progress.end();
      return askForSim(sims, since, signal);
    },
    // Ask for confirmation only if the wizard ran. Scripts, and users who passed the keys, know
    // what the command does.
    confirmSim: (summary) => {
      if (!isGuided) return Promise.resolve(true);
      progress.end();
      return askForCreation(summary, signal);
    },
  };
}
