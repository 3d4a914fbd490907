/** The steps inside the tunnel, with servers of Node.js at the end of a fake tunnel. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import type { SimRun } from '../../../tools/smoke/soracom/sim-run.js';
import { tunnelSteps } from '../../../tools/smoke/soracom/tunnel-steps.js';
import { runSteps } from '../../../tools/smoke/steps.js';

const stop = new AbortController().signal;
let server: Server | undefined;
const sockets = new Set<Socket>();

afterEach(() => {
  server?.close();
  server = undefined;
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

async function resultOf(title: string, tunnel: object) {
  const run = { settings: { idleLimit: 1 }, tunnel, idle: {} } as unknown as SimRun;
  const steps = tunnelSteps(run).filter((step) => step.title === title);
  const [result] = await runSteps(steps, { stop });
  return result!;
}

describe('the step with large packets', () => {
  const tunnelWith = (largest: number) => ({
    status: () => Promise.resolve({ mtu: 1420 }),
    ping: (_host: string, { size }: { size: number }) =>
      size + 28 <= largest
        ? Promise.resolve({})
        : Promise.reject(Object.assign(new Error('does not answer'), { reason: 'timeout' })),
  });
  const title = 'Send packets as large as the MTU';

  it('passes if they arrive', async () => {
    expect(await resultOf(title, tunnelWith(1420))).toMatchObject({ outcome: 'passed' });
  });

  it('fails with the largest size that arrives', async () => {
    expect(await resultOf(title, tunnelWith(1390))).toMatchObject({
      outcome: 'failed',
      reason: 'packets of 1420 bytes, the MTU, do not arrive',
      facts: [['largest packet that arrived in both directions', '1380 bytes']],
    });
    expect(await resultOf(title, tunnelWith(1000))).toMatchObject({
      outcome: 'failed',
      reason: 'packets of 1200 bytes or more do not arrive',
    });
  });
});

/** A tunnel that leads to a server that answers each request in the same way. */
async function tunnelTo(answer: string) {
  const listening = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => socket.write(answer));
  }).listen(0, '127.0.0.1');
  server = listening;
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  return {
    connect: () => {
      const socket = connect(port, '127.0.0.1');
      sockets.add(socket);
      return Object.assign(socket, { info: () => undefined });
    },
  };
}

describe.each(['Send over HTTP', 'Read the metadata service'])('the step "%s"', (title) => {
  it.each([
    ['201 Created', 'passed', /^$/],
    ['400 Bad Request', 'not possible', /answered 400: enable .*--group GROUP_ID$/],
    ['503 Service Unavailable', 'failed', /answered 503$/],
  ])('after a response with %s has the result: %s', async (status, outcome, reason) => {
    const tunnel = await tunnelTo(`HTTP/1.1 ${status}\r\nX-Secret: s\r\nContent-Length: 0\r\n\r\n`);
    const result = await resultOf(title, tunnel);
    expect(result).toMatchObject({ outcome, reason: expect.stringMatching(reason) as string });
    expect(result.facts).toContainEqual(['status line', `HTTP/1.1 ${status}`]);
    // Only the name of an unknown header is shown.
    expect(result.facts).toContainEqual(['other headers', 'X-Secret']);
    expect(JSON.stringify(result.facts)).not.toContain('"s"');
  });
});
