/** `npm run fuzz`; see USAGE in options.ts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runCommand } from './command.js';

// Without a forced collection, the heap size does not show a leak.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  clock: () => performance.now(),
  heapUsed: () => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  },
});
