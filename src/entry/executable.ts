/**
 * The entry point of the single executable: the Lambda extension, or the command line. The command
 * line is an asset, because a larger main program would slow down cold starts.
 */
import '../system/process/refuse-inspector.js';
import '../system/process/stop-early.js';
import { runEmbedded } from './embedded.js';
import { startsExtension } from './starts-extension.js';

const words = process.argv.slice(2);
if (startsExtension({ argv0: process.argv0, words, env: process.env })) {
  void import('../lambda/main.js').then(({ main }) => main());
} else {
  runEmbedded('command-line');
}
