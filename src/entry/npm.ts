/** The entry point of the npm package's command, which `bin/run.js` starts. */
// Import refuse-inspector.js first, so that SIGUSR1 does not start a debugger.
import '../system/process/refuse-inspector.js';
import '../system/process/stop-early.js';
import './executable-command-line.js';
