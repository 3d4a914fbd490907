import type { Interfaces } from '@oclif/core';
import * as Oclif from '@oclif/core/flags';

import type { BooleanFlag, Flag, FlagValue, Flags } from './flag.js';

type OclifFlags<T extends Flags> = {
  [Name in keyof T]: T[Name] extends BooleanFlag
    ? Interfaces.BooleanFlag<boolean>
    : Interfaces.OptionFlag<FlagValue<T[Name]>>;
};

/** Converts flags to oclif's format. */
export function oclifFlags<const T extends Flags>(flags: T): OclifFlags<T> {
  const declared = Object.entries(flags).map(([name, flag]) => [name, oclifFlag(flag)]);
  return Object.fromEntries(declared) as OclifFlags<T>;
}

function oclifFlag(flag: Flag): object {
  switch (flag.type) {
    case 'boolean':
      return Oclif.boolean(options(flag));
    case 'integer':
      return Oclif.integer(options(flag));
    case 'choice':
      return Oclif.option({ ...options(flag), options: flag.options })();
    case 'list': {
      const { default: values, ...rest } = options(flag);
      const defaults = { ...(values && { default: [...values] }), parse: refuseEmpty };
      // Without `multipleNonGreedy`, oclif would treat B in `--header A B` as a second header.
      return Oclif.string({ ...rest, ...defaults, multiple: true, multipleNonGreedy: true });
    }
    case 'string':
      return Oclif.string({ ...options(flag), ...(flag.default !== '' && { parse: refuseEmpty }) });
  }
}

/** Refuses an empty value, which often comes from an unset shell variable. */
function refuseEmpty(value: string): Promise<string> {
  return value === '' ? Promise.reject(new Error('the value is empty')) : Promise.resolve(value);
}

/** Removes arctun's `type`, because oclif defines its own. */
function options<F extends Flag>({ type: _, exclusive, char, ...rest }: F) {
  return {
    ...rest,
    // oclif also accepts digits, such as -4, but its types do not.
    ...(char && { char: char as Interfaces.AlphabetLowercase }),
    ...(exclusive && { exclusive: [...exclusive] }),
  };
}
