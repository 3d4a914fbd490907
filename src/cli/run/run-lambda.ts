import { configFlag } from '../flags/config-flag.js';

/** Runs the Lambda extension, which ends the process itself. */
export async function runLambda({ config }: { readonly config: string }): Promise<void> {
  const { main } = await import('../../lambda/main.js');
  // The extension's default arc.json is in the function's package, not in the working directory.
  const isGiven = config !== configFlag.config.default;
  await main({ ...process.env, ...(isGiven && { ARCTUN_CONFIG: config }) });
}
