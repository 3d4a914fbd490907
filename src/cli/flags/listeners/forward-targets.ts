/** The flag for the targets of the forwarders, and the forwarders with their own ports. */
import type { ForwardSettings } from '../../../app/up/listeners/http-listeners.js';
import { fromSetting } from '../../../lib/errors/from-setting.js';
import { cannotUse } from '../../../lib/errors/user-error.js';
import { redactText } from '../../../lib/secrets/secret-shapes.js';
import { parseTarget, UNIFIED_ENDPOINT } from '../../../proxy/forward/target.js';
import {
  type ListenAddress,
  parseListenAddress,
  requireLoopback,
} from '../../../proxy/listen-address.js';
import * as Flags from '../flag.js';

/** The port in the documentation. */
const USUAL_PORT = 8889;

const DEFAULT_TARGET = `${UNIFIED_ENDPOINT}:80`;

export const forwardToFlag = Flags.grouped('Tunnel', {
  'forward-to': Flags.list({
    description:
      'Target of the forwarder inside the tunnel; names are resolved there. With PORT=, open another forwarder, on this port. Repeatable; the variable separates targets with commas.',
    default: [DEFAULT_TARGET],
    helpValue: '[[ADDRESS:]PORT=]HOST[:PORT]',
    env: 'ARCTUN_FORWARD_TO',
  }),
});

export type ForwardToChoice = Flags.FlagValues<typeof forwardToFlag>;

interface Entry {
  /** Where another forwarder listens; undefined for the forwarder of --forward-listen. */
  readonly listen: string | undefined;
  readonly target: string;
}

/**
 * Returns the target of the forwarder at --forward-listen; the Unified Endpoint if all targets
 * have their own ports.
 *
 * @throws UserError of kind `usage` if more than one target has no port of its own
 */
export function mainTarget(flags: ForwardToChoice): string {
  const [first, second] = entriesOf(flags).filter(({ listen }) => listen === undefined);
  if (first === undefined) return DEFAULT_TARGET;
  if (second === undefined) return first.target;
  throw cannotUse(
    `both --forward-to=${redactText(first.target)} and --forward-to=${redactText(second.target)}`,
    'the forwarder has one target, and only one of these targets can have no port of its own',
    `Give the second target its own port: --forward-to ${USUAL_PORT}=HOST:PORT.`,
  );
}

/**
 * Returns the first target without its own port, for commands that use one target; undefined if
 * there is none.
 *
 * @param text the value of the flag or the variable
 */
export function firstTarget(text: string): string | undefined {
  return entriesOf({ 'forward-to': [text] }).find(({ listen }) => listen === undefined)?.target;
}

/**
 * Returns the forwarders that have their own ports.
 *
 * @throws UserError of kind `usage`
 */
export function furtherForwards(
  flags: ForwardToChoice & { readonly 'allow-open': boolean },
  { headers, browsers }: Pick<Required<ForwardSettings>, 'headers' | 'browsers'>,
): (Required<ForwardSettings> & { readonly listen: ListenAddress })[] {
  return entriesOf(flags).flatMap(({ listen: place, target }) => {
    if (place === undefined) return [];
    const listen = fromSetting('--forward-to', () => parseListenAddress(place, USUAL_PORT));
    fromSetting('--forward-to', () => requireLoopback(listen.host, flags['allow-open']));
    const flag = '--forward-to';
    return [{ headers, browsers, listen, flag, hostFlag: flag, target: parseTarget(target) }];
  });
}

function entriesOf(flags: ForwardToChoice): Entry[] {
  return flags['forward-to']
    .flatMap((value) => value.split(','))
    .map((text) => entryOf(text.trim()));
}

function entryOf(text: string): Entry {
  const [, listen, target] = /^([^=]*)=(.+)$/.exec(text) ?? [];
  // The text may be a pasted key. The error about an invalid target hides keys.
  const isListen = listen !== undefined && redactText(text) === text;
  return isListen && target !== undefined
    ? { listen, target }
    : { listen: undefined, target: text };
}
