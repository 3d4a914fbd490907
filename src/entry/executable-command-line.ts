/** Starts the command line. The single executable loads this file as an asset. */
import { settleEnvironment } from './process-settings.js';
import { startsInside } from './starts-inside.js';

settleEnvironment();
const words = process.argv.slice(2);
if (startsInside(words)) {
  void import('../cli/inside.js').then(({ inside }) => inside(words.slice(1)));
} else {
  // A static import would load oclif's modules before settleEnvironment() runs.
  void import('./command-line.js').then(({ runCommandLine }) => runCommandLine(words));
}
