import { DEFAULT_CONFIG } from '../../lib/text/config-name.js';

/**
 * Runs the Lambda extension, which ends the process itself.
 *
 * @throws UserError of kind `usage` if a user runs this outside Lambda
 */
export async function runLambda({ config }: { readonly config: string }): Promise<void> {
  const { main, notInLambda } = await import('../../lambda/main.js');
  if (!process.env.AWS_LAMBDA_RUNTIME_API) throw notInLambda();
  // The extension's default arc.json is in the function's package, not in the working directory.
  const isGiven = config !== DEFAULT_CONFIG;
  await main({ ...process.env, ...(isGiven && { ARCTUN_CONFIG: config }) });
}
