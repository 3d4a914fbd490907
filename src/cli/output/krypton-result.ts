/** The output of `bootstrap cellular` and `bootstrap sim`. */
import { BootstrapRescueError } from '../../app/bootstrap/bootstrap-rescue.js';
import type { KryptonResult } from '../../app/bootstrap/krypton-target.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Context } from '../context.js';
import type { Output } from './output.js';
import { renderJson, renderText } from './render.js';

/**
 * Runs a bootstrap and prints its result in soratun's format.
 * @throws any error of the bootstrap; UserError `failed` if arc.json cannot be written to standard
 * output
 */
export async function printKryptonResult(
  bootstrap: () => Promise<KryptonResult>,
  context: Pick<Context, 'printer'>,
  json: boolean,
  output: Pick<Output, 'write'>,
): Promise<void> {
  let result: KryptonResult;
  try {
    result = await bootstrap();
  } catch (error) {
    // If the key could not be saved to a file, print the key, because SORACOM cannot show it again.
    const rescued = error instanceof BootstrapRescueError ? error.arcJson : undefined;
    if (rescued !== undefined) output.write(rescued.expose());
    throw error;
  }
  if ('arcJson' in result) await dump(result.arcJson.expose(), context);
  else if (json) output.write(renderJson(result));
  else {
    if (result.simId !== '')
      output.write(renderText(`Virtual subscriber SIM ID: ${result.simId}\n`));
    output.write(`Created/updated configuration file: ${result.path}\n`);
  }
}

async function dump(arcJson: string, context: Pick<Context, 'printer'>): Promise<void> {
  const print = await context.printer();
  try {
    await print(arcJson);
  } catch (error) {
    const why = messageOf(error);
    throw new UserError('failed', {
      what: 'cannot write arc.json to standard output',
      why,
      next: [
        'Try again: the previous key pair no longer works. This will not create a second SIM.',
      ],
      cause: error,
    });
  }
}
