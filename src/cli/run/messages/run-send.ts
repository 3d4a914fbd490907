/** Defines the flags of `send`, and runs the command. */
import { loadTunnelConfig } from '../../../app/config/load-arc-config.js';
import { sendMessage } from '../../../app/send-message.js';
import type { UserError } from '../../../lib/errors/user-error.js';
import { cannotUse } from '../../../lib/errors/user-error.js';
import { codeOf } from '../../../lib/errors/error-message.js';
import { parseTarget, UNIFIED_ENDPOINT } from '../../../proxy/forward/target.js';
import { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import { EXIT_CODES } from '../../errors/exit-codes.js';
import * as Flags from '../../flags/flag.js';
import { firstTarget } from '../../flags/listeners/forward-targets.js';
import { chosenLevel, logFlags } from '../../flags/log-flags.js';
import { spoolFlags, spoolSettings } from '../../flags/spool-flags.js';
import { accessPorts } from '../access/prepare-access.js';
import { answerTimeout, ENTRY_PORTS, messageFlags, readMessage } from './message.js';
import type { Output } from '../../output/output.js';
import { renderJson } from '../../output/render.js';
import { answerBody, answerNote, answerValue, unprintedError } from '../../output/send-response.js';
import type { SystemContext } from '../../system-context.js';
import type { TunnelContext } from '../../tunnel-context.js';

export const sendFlags = {
  ...messageFlags,
  ...accessFlags,
  'forward-to': Flags.text({
    description: `Target inside the tunnel, as HOST or HOST:PORT, with names resolved there; by default, the Unified Endpoint (${UNIFIED_ENDPOINT}) and the protocol's port.`,
    helpValue: 'HOST[:PORT]',
    env: 'ARCTUN_FORWARD_TO',
  }),
  ...spoolFlags,
  ...logFlags('warn'),
  json: Flags.boolean({ description: 'Print the response as JSON.' }),
};

/**
 * @returns the exit code
 * @throws UserError
 */
export async function runSend(
  flags: Flags.FlagValues<typeof configFlag & typeof sendFlags>,
  argument: string | undefined,
  context: SystemContext & Pick<TunnelContext, 'tunnelPorts'>,
  output: Output,
): Promise<number> {
  const chosen = flags['forward-to'] && firstTarget(flags['forward-to']);
  const target = parseTarget(chosen ?? UNIFIED_ENDPOINT, ENTRY_PORTS[flags.via]);
  const timeout = answerTimeout(flags.via, flags.timeout);
  const spool = spoolSettings(flags);
  if (spool !== undefined && flags.via !== 'http') throw refusedSpool(flags.via);
  const home = { files: await context.files(), stateFolder: context.stateFolder() };
  const arcConfig = await loadTunnelConfig(flags.config, home);
  const message = await readMessage(argument, flags, context);
  const log = await context.log({ level: chosenLevel(flags, 'warn'), format: flags['log-format'] });
  const answer = await sendMessage(
    {
      arcConfig,
      wait: flags.wait * 1000,
      signal: await context.stopSignal(),
      target,
      message,
      timeout,
      force: flags.force,
      pid: process.pid,
      spool,
    },
    {
      ...(await accessPorts(await context.tunnelPorts(log), context)),
      openFolder: (path) => context.openSpoolFolder(path),
    },
  );
  const isTerminal = context.terminalColumns() !== undefined;
  const print = await context.printer();
  await print(
    flags.json ? renderJson(answerValue(answer)) : answerBody(answer, { isTerminal }),
  ).catch((error: unknown) => {
    // A reader may close the pipe without reading the response, for example `| true`.
    if (codeOf(error) !== 'EPIPE') throw unprintedError(error, answer);
  });
  const note = answerNote(answer, { timeout, json: flags.json });
  if (note !== undefined && !flags.quiet) output.note(note);
  return answer.via === 'http' && answer.response.status >= 400 ? EXIT_CODES.failed : 0;
}

/** Over TCP and UDP, no response shows that a service has accepted the message. */
function refusedSpool(via: string): UserError {
  return cannotUse(
    `--spool with --via ${via}`,
    'arctun can tell only over HTTP whether a message arrived',
    'Remove --spool, unset ARCTUN_SPOOL, or send over HTTP.',
  );
}
