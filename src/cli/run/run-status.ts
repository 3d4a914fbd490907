/** Defines the flags of `status`, and runs the command, once or continuously. */
import {
  showStatus,
  type ShownStatus,
  type Verdict,
  verdictOf,
} from '../../app/status/show-status.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { cannotUse, UserError } from '../../lib/errors/user-error.js';
import { EXIT_CODES } from '../errors/exit-codes.js';
import * as Flags from '../flags/flag.js';
import { renderJson } from '../output/render.js';
import { timeText } from '../../app/iso-time.js';
import type { Output } from '../output/output.js';
import { statusValue } from '../output/status-json.js';
import { renderStatus } from '../output/status-text.js';
import { TransferRates } from '../output/transfer-rates.js';
import { watch } from './watch.js';
import type { SystemContext } from '../system-context.js';

export const statusFlags = {
  all: Flags.boolean({
    description:
      'Show all WireGuard devices: those in /var/run/wireguard and, if wg is installed, those in the kernel. Usually requires root.',
  }),
  interface: Flags.text({
    description: 'Show only the tunnel with this name, with all details.',
    helpValue: 'NAME',
  }),
  watch: Flags.boolean({
    description: 'Refresh continuously until Ctrl-C, and show transfer rates.',
  }),
  json: Flags.boolean({
    description: 'Print a JSON array; with --watch, print one array per line.',
  }),
};

export interface StatusFlags extends Flags.FlagValues<typeof statusFlags> {
  /** The number of seconds between two updates. */
  readonly seconds: number | undefined;
}

const DEFAULT_INTERVAL = 2;

/** @returns the exit code */
export async function runStatus(
  flags: StatusFlags,
  context: SystemContext,
  output: Output,
): Promise<number> {
  if (flags.seconds !== undefined && !flags.watch) throw secondsAlone(flags.seconds);
  const ports = {
    connections: await context.localConnections(),
    commands: await context.commands(),
    publicKeyOf: await context.publicKeyOf(),
    platform: context.platform,
  };
  const { all, interface: name } = flags;
  const look = () => showStatus({ folders: context.runFolders(), all, name }, ports);
  const print = await context.printer();
  if (flags.watch) {
    await watchStatus(look, flags, context, print);
    return 0;
  }
  const shown = await look();
  for (const line of shown.notes) output.note(line);
  const moment = { now: context.now(), isDetailed: name !== undefined };
  const text = flags.json ? renderJson(statusValue(shown)) : renderStatus(shown, moment);
  await print(text).catch((error: unknown) => {
    // A reader may close the pipe without reading, for example `| true`.
    if (codeOf(error) === 'EPIPE') return;
    const what = 'cannot write to standard output';
    throw new UserError('failed', { what, why: messageOf(error), cause: error });
  });
  return EXIT_CODE_OF[verdictOf(shown)];
}

const EXIT_CODE_OF: Readonly<Record<Verdict, number>> = {
  healthy: 0,
  unhealthy: EXIT_CODES.tunnel,
  none: EXIT_CODES.failed,
};

async function watchStatus(
  look: () => Promise<ShownStatus>,
  { json, interface: name, seconds = DEFAULT_INTERVAL }: StatusFlags,
  context: SystemContext,
  print: (text: string) => Promise<void>,
): Promise<void> {
  const rates = new TransferRates();
  const clock = await context.clock();
  const view = async () => {
    const shown = await look();
    rates.look(shown.tunnels, clock.now());
    if (json) return renderJson(statusValue(shown, rates));
    const now = context.now();
    const notes = shown.notes.map((line) => `${line}\n`).join('');
    const heading = `${timeText(now)}, every ${seconds} s\n\n`;
    return `${heading}${notes}${renderStatus(shown, { now, rates, isDetailed: name !== undefined })}`;
  };
  await watch(view, {
    interval: seconds * 1000,
    signal: await context.stopSignal(),
    terminalSize: () => context.terminalSize(),
    print,
    clock,
  });
}

function secondsAlone(seconds: number): UserError {
  return cannotUse(
    `${seconds}`,
    'SECONDS is the refresh interval for --watch, but --watch was not given',
    `Use the form arctun status --watch ${seconds}.`,
  );
}
