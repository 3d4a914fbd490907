/**
 * Keeps the inspector of Node.js closed. It would start on SIGUSR1, without a password, and run any
 * code as this process's user. Import this module before all others.
 */

/** Milliseconds to wait for an inspector that was requested before this module was loaded. */
const LATE = 1_000;

/** A listener replaces the one of Node.js, which opens the inspector. */
process.on('SIGUSR1', () => undefined);
setImmediate(closeInspector);
setTimeout(closeInspector, LATE).unref();

/**
 * Closes an inspector that a signal opened during startup; one from `--inspect` was requested by
 * the user.
 */
function closeInspector(): void {
  const { execArgv, env } = process;
  const options = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  if (/--inspect(-brk|-wait)?(?![-\w])/.test(options)) return;
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    if (inspector.url() !== undefined) inspector.close();
  } catch {
    // This Node.js has no inspector.
  }
}
