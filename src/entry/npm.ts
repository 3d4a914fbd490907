/** The entry of the npm package's command, which `bin/run.js` starts. */
// First, so that nothing listens to SIGUSR1.
import '../system/process/refuse-inspector.js';
import './executable-command-line.js';
