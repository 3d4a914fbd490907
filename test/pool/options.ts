import { parseArgs } from 'node:util';

export const USAGE = `npm run pool -- [--sandboxes 20] [--sims 40] [--minutes 12] [--port 18100] [--env NAME=VALUE …] [-- COMMAND …]

Starts the emulator, makes virtual SIMs, and starts COMMAND once for each sandbox, with ARCTUN_CONFIG
(the folder of arc.json files), ARCTUN_LAMBDA_PORT and SANDBOX (its number, from 0) in its environment;
without a COMMAND the forwarder of test/pool/forwarder.ts. Each sandbox is sent a message a second.
Within 120 s each must be alone on a SIM, and keep it; no message that was accepted may be missing.`;

export interface PoolOptions {
  readonly sandboxes: number;
  readonly sims: number;
  readonly minutes: number;
  /** Of the first sandbox; the others have those behind it. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** @throws TypeError for what is no option, RangeError for what is no number */
export function parseOptions(args: readonly string[]): PoolOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      sandboxes: { type: 'string', default: '20' },
      sims: { type: 'string', default: '40' },
      minutes: { type: 'string', default: '12' },
      port: { type: 'string', default: '18100' },
      env: { type: 'string', multiple: true, default: [] },
    },
  });
  const [sandboxes, sims, minutes, port] = [
    values.sandboxes,
    values.sims,
    values.minutes,
    values.port,
  ].map(positive) as [number, number, number, number];
  const env = Object.fromEntries(
    values.env.map((assignment) => {
      const at = assignment.indexOf('=');
      return [assignment.slice(0, at), assignment.slice(at + 1)];
    }),
  );
  return { sandboxes, sims, minutes, port, env, command: positionals };
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new RangeError(`${text} is no positive number`);
  return number;
}
