/** Starts the command line. The single executable loads this file as an asset. */
import { settleEnvironment } from './process-settings.js';

settleEnvironment();
// A static import would load oclif's modules before settleEnvironment() runs.
void import('./command-line.js').then(({ runCommandLine }) =>
  runCommandLine(process.argv.slice(2)),
);
