/** Defines the flags of `forward add`, `forward list` and `forward remove`, and runs the commands. */
import { type ForwardTexts, requestForwards } from '../../app/status/forward-requests.js';
import { selectTunnel } from '../../app/status/show-status.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ForwardStatus } from '../../proxy/port-forward/forward-counters.js';
import { parseForward, parsePlace } from '../../proxy/port-forward/forward-spec.js';
import { requireLoopbackForwards } from '../../proxy/port-forward/port-forwards.js';
import { fromSetting } from '../../lib/errors/from-setting.js';
import * as Flags from '../flags/flag.js';
import { forwardFlags } from '../flags/listeners/forward-flags.js';
import { portForwardFlags } from '../flags/listeners/port-forward-flags.js';
import { forwardLine, forwardText } from '../output/forward-text.js';
import type { Output } from '../output/output.js';
import { renderJson, renderText } from '../output/render.js';
import type { SystemContext } from '../system-context.js';
import { interfaceFlag } from '../flags/tunnel-flags.js';

const selectionFlags = {
  ...interfaceFlag,
  json: Flags.boolean({ description: 'Print a JSON array.' }),
};

export const forwardListFlags = selectionFlags;

export const forwardAddFlags = {
  ...portForwardFlags,
  'allow-open': forwardFlags['allow-open'],
  ...selectionFlags,
};

export const forwardRemoveFlags = {
  'local-forward': Flags.withHelp(portForwardFlags['local-forward'], {
    description: 'Local forward to remove; its target may be omitted. Repeatable.',
    helpValue: '[BIND:]PORT[:HOST:HOSTPORT]',
  }),
  'remote-forward': Flags.withHelp(portForwardFlags['remote-forward'], {
    description: 'Remote forward to remove; its target may be omitted. Repeatable.',
    helpValue: 'PORT[:HOST:HOSTPORT]',
  }),
  ...selectionFlags,
};

type ForwardContext = Pick<SystemContext, 'runFolders' | 'localConnections'>;
type Request = Parameters<typeof requestForwards>[1];

/** @throws UserError */
export async function runForwardList(
  flags: Flags.FlagValues<typeof forwardListFlags>,
  context: ForwardContext,
  output: Output,
): Promise<void> {
  const forwards = await ask(flags, { request: 'forward-list' }, context);
  if (forwards.length === 0 && !flags.json) output.note('No port forwards are open.');
  else print(forwards, flags.json, forwardLine, output);
}

/** @throws UserError */
export async function runForwardAdd(
  flags: Flags.FlagValues<typeof forwardAddFlags>,
  context: ForwardContext,
  output: Output,
): Promise<void> {
  const texts = textsOf(flags);
  const allowOpen = flags['allow-open'];
  const local = texts.local.map((text) => parseForward('local', text));
  texts.remote.forEach((text) => parseForward('remote', text));
  fromSetting('--local-forward', () => requireLoopbackForwards(local, allowOpen));
  const added = await ask(flags, { request: 'forward-add', ...texts, allowOpen }, context);
  print(added, flags.json, (forward) => `Forwarding ${forwardText(forward)}`, output);
}

/** @throws UserError */
export async function runForwardRemove(
  flags: Flags.FlagValues<typeof forwardRemoveFlags>,
  context: ForwardContext,
  output: Output,
): Promise<void> {
  const texts = textsOf(flags);
  texts.local.forEach((text) => parsePlace('local', text));
  texts.remote.forEach((text) => parsePlace('remote', text));
  const removed = await ask(flags, { request: 'forward-remove', ...texts }, context);
  print(removed, flags.json, (forward) => `Removed ${forwardText(forward)}`, output);
}

async function ask(
  flags: Flags.FlagValues<typeof selectionFlags>,
  request: Request,
  context: ForwardContext,
): Promise<readonly ForwardStatus[]> {
  const connections = await context.localConnections();
  const options = { folders: context.runFolders(), name: flags.interface };
  return requestForwards(await selectTunnel(options, connections), request, connections);
}

/** @throws UserError of kind `usage` without a forward */
function textsOf(flags: Flags.FlagValues<typeof portForwardFlags>): ForwardTexts {
  const { 'local-forward': local = [], 'remote-forward': remote = [] } = flags;
  if (local.length + remote.length > 0) return { local, remote };
  throw new UserError('usage', {
    what: 'cannot change port forwards',
    why: 'the command does not name a forward',
    next: ['Name one with --local-forward (-L) or --remote-forward (-R).'],
  });
}

function print(
  forwards: readonly ForwardStatus[],
  isJson: boolean,
  line: (forward: ForwardStatus) => string,
  output: Output,
): void {
  if (isJson) output.write(renderJson(forwards));
  else output.write(renderText(forwards.map((forward) => `${line(forward)}\n`).join('')));
}
