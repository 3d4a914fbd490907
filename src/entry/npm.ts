/** The entry of the npm package's command, which `bin/run.js` starts. */
// First of all: nothing here listens to SIGUSR1.
import '../system/process/refuse-inspector.js';
import { settleEnvironment } from './process-settings.js';

settleEnvironment();
// Not a static import: oclif's modules would load before that.
void import('./command-line.js').then(({ runCommandLine }) =>
  runCommandLine(process.argv.slice(2)),
);
