/** Starts the command line. The single executable loads this file as an asset. */
import { settleEnvironment } from './process-settings.js';

settleEnvironment();
// Not a static import: oclif's modules must load after that.
void import('./command-line.js').then(({ runCommandLine }) =>
  runCommandLine(process.argv.slice(2)),
);
