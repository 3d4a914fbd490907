/** One client of a lab, from its start to its result. */

/** A task must have ended this long after it should have; a POST with CUBIC takes a while. */
const PATIENCE = 120_000;

let serial = 0;

/** A client that was started; `client.js` tells what the setup may hold. */
export class Task {
  #lab;
  #setup;
  #process;

  constructor(lab, setup) {
    this.#lab = lab;
    this.#setup = { ...setup, run: ++serial };
    this.#process = lab.startProgram('client', 'client.js', JSON.stringify(this.#setup));
  }

  get setup() {
    return this.#setup;
  }

  /** Its tunnel is open, and a stream is connected. */
  async ready() {
    await this.#process.line((line) => line === 'ready');
  }

  go() {
    this.#process.tell('go');
  }

  /** What the receiver of a stream counted, or what the client says. */
  async result() {
    const { task, run, milliseconds = 0 } = this.#setup;
    const patience = milliseconds + PATIENCE;
    const counted =
      task === 'up' &&
      JSON.parse(await this.#lab.server.line((line) => JSON.parse(line).run === run, patience));
    const line = await this.#process.line((text) => text.startsWith('{'), patience);
    return { ...JSON.parse(line), ...counted };
  }

  async end() {
    this.#process.kill();
    await this.#process.ended();
  }
}

/** A task by itself. */
export async function runTask(lab, setup) {
  const task = new Task(lab, setup);
  try {
    await task.ready();
    task.go();
    return await task.result();
  } finally {
    await task.end();
  }
}
