/** The entry point of the npm package's command, which `bin/run.js` starts. */
// Importing refuse-inspector.js first keeps SIGUSR1 from starting a debugger.
import '../system/process/refuse-inspector.js';
import './executable-command-line.js';
