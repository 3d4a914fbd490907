/** Runs a command in this process, which is much faster than in its own. */
import { Readable } from 'node:stream';

import { jest } from '@jest/globals';
import { Config } from '@oclif/core';

import { exitCodeOf } from '../../src/cli/errors/exit-codes.js';
import { renderUserError } from '../../src/cli/output/render.js';
import { createPlugin } from '../../src/entry/plugin.js';
import { readWords } from '../../src/entry/read-words.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { type Finished, REPOSITORY } from './processes.js';

interface Circumstances {
  readonly cwd: string;
  /** The variables of arctun and of SORACOM; others are those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

let loading: Promise<Config> | undefined;

export async function runInProcess(
  parameters: readonly string[],
  { cwd, env = {}, input = '' }: Circumstances,
): Promise<Finished> {
  loading ??= Config.load(REPOSITORY);
  const config = await loading;
  const printed = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text, ...rest: unknown[]) => {
      printed[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
      const done = rest.find((one) => typeof one === 'function');
      (done as ((error?: Error) => void) | undefined)?.();
      return true;
    }),
  );
  const saved = { env: process.env, cwd: process.cwd() };
  const others = Object.entries(saved.env).filter(([name]) => !/^(?:ARCTUN|SORACOM)_/.test(name));
  process.env = { ...Object.fromEntries(others), HOME: cwd, STATE_DIRECTORY: cwd, ...env };
  process.chdir(cwd);
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    get: () => Readable.from([Buffer.from(input)]),
  });
  // Each command adds listeners for signals, and would end with its process.
  process.setMaxListeners(0);
  try {
    return { code: await exitCode(parameters, config), ...printed };
  } finally {
    Object.defineProperty(process, 'stdin', stdin);
    process.chdir(saved.cwd);
    process.env = saved.env;
    for (const mock of mocks) mock.mockRestore();
  }
}

async function exitCode(parameters: readonly string[], config: Config): Promise<number> {
  try {
    const reading = readWords(parameters, config);
    if (reading.kind !== 'command') throw new Error(`not a command: ${parameters.join(' ')}`);
    const Class = await createPlugin().findCommand(reading.id, { must: true });
    await Class.run(reading.words, config);
    return 0;
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(renderUserError(error));
      return exitCodeOf(error);
    }
    const { exit } = (error as { readonly oclif?: { readonly exit?: number } }).oclif ?? {};
    if (exit === undefined) throw error;
    return exit;
  }
}
