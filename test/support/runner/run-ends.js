/**
 * Ends a run that its tests keep alive: a failed test leaves listeners and sockets open, and a file that
 * runs in Jest's own process would hold it for ever. Jest's forceExit would hide what a good test leaves.
 */
const GRACE = 10_000;

export default class RunEnds {
  #grace;

  /** @param options `grace`, milliseconds */
  constructor(_globalConfig, { grace = GRACE } = {}) {
    this.#grace = grace;
  }

  onRunComplete() {
    // It fires only if something else keeps the process alive.
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`The tests left handles open: ${open}. The run fails and ends.\n`);
      process.exit(1);
    }, this.#grace).unref();
  }
}
