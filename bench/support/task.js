/** One client in a lab, from its start to its result. */

/**
 * How long, in ms, a task may take beyond its expected end. A POST with CUBIC takes a long time.
 */
const PATIENCE = 120_000;

let serial = 0;

/** A started client; `client.js` documents the setup. */
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

  /** Waits until the tunnel is open and a stream is connected. */
  async ready() {
    await this.#process.line((line) => line === 'ready');
  }

  go() {
    this.#process.tell('go');
  }

  /** Returns the bytes that a stream's receiver counted, or the client's own result. */
  async result() {
    const { task, run, milliseconds = 0, streams = 1 } = this.#setup;
    const patience = milliseconds + PATIENCE;
    let counted = {};
    for (let stream = 0; task === 'up' && stream < streams; stream++) {
      const line = await this.#lab.server.line((text) => JSON.parse(text).run === run, patience);
      const one = JSON.parse(line);
      counted = { ...one, bytes: one.bytes + (counted.bytes ?? 0) };
    }
    const line = await this.#process.line((text) => text.startsWith('{'), patience);
    return { ...JSON.parse(line), ...counted };
  }

  async end() {
    this.#process.kill();
    await this.#process.ended();
  }
}

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
