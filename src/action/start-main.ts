/** The entry point of the action's main part. */
import { ownCommand } from './own-command.js';
import { main } from './main.js';
import { Runner } from './runner.js';

const runner = new Runner(process.env, (text) => process.stdout.write(text));
process.exitCode = await main(runner, ownCommand(import.meta.url));
