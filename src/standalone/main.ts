/**
 * The entry of the single executable: the Lambda extension, or a command line. It waits for either by
 * `import()`, for a cold start pays for every module that it loads.
 */
import '../platform/refuse-inspector.js';
import { startsExtension } from './starts-extension.js';

const words = process.argv.slice(2);
if (startsExtension({ argv0: process.argv0, words, env: process.env })) {
  void import('../lambda/main.js').then(({ main }) => main());
} else {
  void import('./run-command-line.js').then(({ runProcess }) => runProcess(words));
}
