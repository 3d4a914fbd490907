/** `npm run sim`; see USAGE in options.ts. */
import { runCommand } from './command.js';

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  clock: () => performance.now(),
});
