/** Reads the flags of a smoke test. */
import { parseArgs } from 'node:util';

import { UsageError } from './smoke-test.js';

const TEXT = { type: /** @type {const} */ ('string') };
const SWITCH = { type: /** @type {const} */ ('boolean') };

/**
 * @param {readonly string[]} words
 * @param {readonly string[]} names the flags with a value; each test also has --yes and --help
 * @returns {{ help: boolean, yes: boolean, values: Readonly<Record<string, string | undefined>> }}
 * @throws {UsageError}
 */
export function readFlags(words, names) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        yes: { ...SWITCH, short: 'y' },
        help: { ...SWITCH, short: 'h' },
        ...Object.fromEntries(names.map((name) => [name, TEXT])),
      },
    });
    const { yes = false, help = false, ...texts } = /** @type {Record<string, any>} */ (values);
    return { yes, help, values: texts };
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}
