/** The port forwards of arc.json. */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import type { ArcConfigFault } from '../../arc-config/arc-config-error.js';
import { shownText } from '../../arc-config/json/shown-value.js';
import { FORWARD_FORM, ForwardFault, readForward } from '../../proxy/port-forward/forward-spec.js';
import type { Log } from '../../ports/log.js';
import { requireLoopbackForwards } from '../../proxy/port-forward/port-forwards.js';
import { fromSetting } from '../../lib/errors/from-setting.js';
import type { PortForward } from '../../proxy/port-forward/port-forward.js';

/** Lists the faults of `forwards`. */
export function forwardFaults(
  config: ArcConfig,
  lineOf: (keyPath: string) => number,
): readonly ArcConfigFault[] {
  return KINDS.flatMap((kind) =>
    config.forwards[kind].flatMap((text, index) => {
      try {
        readForward(kind, text);
        return [];
      } catch (error) {
        if (!(error instanceof ForwardFault)) throw error;
        return [
          {
            line: lineOf(`forwards.${kind}.${index}`),
            keyPath: `forwards.${kind}[${index}]`,
            found: shownText(text, false),
            expected: `${FORWARD_FORM[kind]}; ${error.message}`,
          },
        ];
      }
    }),
  );
}

interface ForwardChoice {
  readonly mode: string;
  readonly 'allow-open': boolean;
}

/**
 * Returns the forwards of a configuration that forwardFaults() has checked. In a mode without
 * forwards, logs a warning and returns none.
 *
 * @throws UserError of kind `usage` if other machines could use a forward, unless this is allowed
 */
export function configForwards(
  { config, source }: { readonly config: ArcConfig; readonly source: string },
  choice: ForwardChoice,
  log: Pick<Log, 'warn'>,
): readonly PortForward[] {
  const forwards = KINDS.flatMap((kind) =>
    config.forwards[kind].map((text) => readForward(kind, text)),
  );
  if (forwards.length === 0) return forwards;
  if (choice.mode === 'tun' || choice.mode === 'kernel') {
    log.warn({}, `--mode ${choice.mode} ignores the port forwards in ${source}`);
    return [];
  }
  fromSetting(`forwards in ${source}`, () =>
    requireLoopbackForwards(forwards, choice['allow-open']),
  );
  return forwards;
}

const KINDS = ['local', 'remote'] as const;
