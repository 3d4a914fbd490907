/**
 * Prevents SIGUSR1 from starting Node.js's inspector. The inspector lets anyone who connects run
 * code as this process's user, without a password. Import this module before all others.
 */

/**
 * How long, in milliseconds, to wait for an inspector that was requested before this module was
 * loaded.
 */
const LATE = 1_000;

/** A listener replaces Node.js's default handler, which opens the inspector. */
process.on('SIGUSR1', () => undefined);
setImmediate(closeInspector);
setTimeout(closeInspector, LATE).unref();

/** Closes an inspector that a signal opened during startup, but not one from `--inspect`. */
function closeInspector(): void {
  const { execArgv, env } = process;
  const options = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  if (/--inspect(-brk|-wait)?(?![-\w])/.test(options)) return;
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    if (inspector.url() !== undefined) inspector.close();
  } catch {
    // Ignore an error, because this Node.js was built without an inspector.
  }
}
