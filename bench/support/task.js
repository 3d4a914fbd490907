/** One client in a lab, from its start to its result. */

/** How long, in ms, a task may take beyond its expected end. */
const PATIENCE = 120_000;

let serial = 0;

/**
 * @param setup see `client.js`
 * @returns the bytes that a stream's receiver counted, or the client's own result
 */
export async function runTask(lab, setup) {
  const run = ++serial;
  const { task, milliseconds = 0, streams = 1 } = setup;
  const patience = milliseconds + PATIENCE;
  const client = lab.startProgram('client', 'client.js', JSON.stringify({ ...setup, run }));
  try {
    // The streams are connected.
    await client.line((line) => line === 'ready');
    client.tell('go');
    let counted = {};
    for (let stream = 0; task === 'up' && stream < streams; stream++) {
      const line = await lab.server.line((text) => JSON.parse(text).run === run, patience);
      const one = JSON.parse(line);
      counted = { ...one, bytes: one.bytes + (counted.bytes ?? 0) };
    }
    const line = await client.line((text) => text.startsWith('{'), patience);
    return { ...JSON.parse(line), ...counted };
  } finally {
    client.kill();
    await client.ended();
  }
}
