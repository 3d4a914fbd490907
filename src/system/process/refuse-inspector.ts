/**
 * Keeps Node's inspector closed. It starts on SIGUSR1, asks for no password, and runs what it is given
 * as the user of this process. To be imported before everything else.
 */

/** Milliseconds until an inspector is open that was asked for before this module was loaded. */
const LATE = 1_000;

/** A listener takes the place of Node's own, which opens the inspector. */
process.on('SIGUSR1', () => undefined);
setImmediate(closeInspector);
setTimeout(closeInspector, LATE).unref();

/** Node opens it for a signal that came while it started itself; `--inspect` is a user's own wish. */
function closeInspector(): void {
  const { execArgv, env } = process;
  const options = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  if (/--inspect(-brk|-wait)?(?![-\w])/.test(options)) return;
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    if (inspector.url() !== undefined) inspector.close();
  } catch {
    // This Node has no inspector.
  }
}
