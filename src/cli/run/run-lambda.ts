import { configFlag } from '../flags/config-flag.js';

/** Runs the Lambda extension, which ends the process by itself. */
export async function runLambda({ config }: { readonly config: string }): Promise<void> {
  const { main } = await import('../../lambda/main.js');
  // Without it, arc.json is not where we are started, but in the function's package.
  const isGiven = config !== configFlag.config.default;
  await main({ ...process.env, ...(isGiven && { ARCTUN_CONFIG: config }) });
}
