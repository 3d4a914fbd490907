/** The entry point of the action's post part. */
import { ownCommand } from './own-command.js';
import { post } from './post.js';
import { Runner } from './runner.js';

const runner = new Runner(process.env, (text) => process.stdout.write(text));
process.exitCode = await post(runner, ownCommand(import.meta.url));
