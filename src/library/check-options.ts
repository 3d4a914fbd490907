/** Checks the options of programs, which may be written in JavaScript. */
import * as z from 'zod/mini';

import { UserError } from '../lib/errors/user-error.js';

const text = z.optional(z.string());
const flag = z.optional(z.boolean());
const number = z.optional(z.int().check(z.minimum(0), z.maximum(0xffff_ffff)));
const called = z.custom((value) => typeof value === 'function', 'a function');
const signal = z.optional(z.custom((value) => value instanceof AbortSignal, 'an AbortSignal'));

const soracom = {
  credentials: z.optional(
    z.strictObject({
      authKeyId: text,
      authKey: text,
      authKeyFile: text,
      profile: text,
      coverage: z.optional(z.enum(['jp', 'g'])),
    }),
  ),
  endpoint: text,
};
const call = { ...soracom, config: text, signal };
const target = { path: text, save: z.optional(called), signal };

const kryptonCli = z.optional(
  z.strictObject({
    ...{ path: text, interface: text, portName: text, params: text },
    ...{ provisioningApiEndpointUrl: text, keysApiEndpointUrl: text, signatureAlgorithm: text },
    ...{ baudRate: number, dataBits: number, stopBits: number, parityMode: number },
    ...{ disableKeyCache: flag, clearKeyCache: flag },
  }),
);
const cellular = { method: z.literal('cellular'), endpoint: text, metadataEndpoint: text };
const sim = { method: z.literal('sim'), kryptonCli };

const OPTIONS = {
  renewal: z.strictObject({
    ...{ ...soracom, method: z.optional(z.literal('api')) },
    save: z.optional(z.union([z.string(), called])),
  }),
  'cellular renewal': z.strictObject({ ...cellular, save: text }),
  'sim renewal': z.strictObject({ ...sim, save: text }),
  authkey: z.strictObject({
    ...{ ...target, ...soracom, method: z.optional(z.literal('authkey')) },
    ...{ name: text, group: text, tags: z.optional(z.record(z.string(), z.string())) },
    ...{ ownKey: flag, saveProfile: flag, adopt: text, createAnother: flag },
  }),
  cellular: z.strictObject({ ...target, ...cellular }),
  sim: z.strictObject({ ...target, ...sim }),
  call: z.strictObject(call),
  list: z.strictObject({
    ...call,
    since: z.optional(z.custom((value) => value instanceof Date && !isNaN(+value), 'a valid Date')),
    all: flag,
  }),
  renewKey: z.strictObject({ ...soracom, path: z.string(), simId: text, force: flag, signal }),
} as const;

/**
 * @param name the function or option that the errors name, such as `bootstrap()`
 * @throws UserError of kind `usage` that lists each wrong or unknown option, without its value
 */
export function checkOptions(name: string, kind: keyof typeof OPTIONS, options: unknown): void {
  const { success, error } = OPTIONS[kind].safeParse(options);
  if (success) return;
  throw new UserError('usage', {
    what: `cannot use the options of ${name}`,
    why: error.issues.map(faultOf).join('; '),
    next: ['See docs/guides/library-sims.md for the options.'],
  });
}

function faultOf(issue: z.core.$ZodIssue): string {
  const at = (names: readonly PropertyKey[]) => names.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${at([...issue.path, key])} does not exist`).join('; ');
  }
  const place = issue.path.length === 0 ? 'the value' : at(issue.path);
  if (issue.code === 'invalid_value') return `${place} must be ${issue.values.join(' or ')}`;
  if (issue.code === 'invalid_type') return `${place} must be of type ${issue.expected}`;
  if (issue.code === 'custom') return `${place} must be ${issue.message}`;
  return `${place} has an invalid value`;
}
