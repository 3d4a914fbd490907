/** The command line as the single executable has it. */
import { settleEnvironment } from './process-settings.js';

settleEnvironment();
void import('./command-line.js').then(({ runCommandLine }) =>
  runCommandLine(process.argv.slice(2)),
);
