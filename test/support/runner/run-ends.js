/**
 * Ends a run that its tests keep alive. A failed test leaves listeners and sockets open, and a file
 * in Jest's own process would run forever. Jest's forceExit would hide the leaks of passing tests.
 */
const GRACE = 10_000;

export default class RunEnds {
  #grace;

  /** @param options `grace` in milliseconds */
  constructor(_globalConfig, { grace = GRACE } = {}) {
    this.#grace = grace;
  }

  onRunComplete() {
    // This unreferenced timer fires only if something else keeps the process alive.
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`The tests left handles open: ${open}. The run fails and ends.\n`);
      process.exit(1);
    }, this.#grace).unref();
  }
}
