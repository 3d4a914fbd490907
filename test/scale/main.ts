/**
 * `npm run scale`: 10,000 connections, a closed port, a flood, and the memory of an idle stream.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  connectToDeadPort,
  idleStreams,
  openUseClose,
  type Outcome,
  ScalePair,
  synFlood,
} from './scale.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const CONNECTIONS = 10_000;
const FLOOD = 1_000_000;
const HONEST = 500;
const IDLE = 1_000;
const KIB = 1024;

/** Bytes in use after a collection, including the storage of buffers. */
async function used(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Failed checks. */
const failures: string[] = [];

function say(line: string, isGood: boolean): void {
  console.log(`${isGood ? 'ok  ' : 'FAIL'} ${line}`);
  if (!isGood) failures.push(line);
}

async function scene(
  name: string,
  expected: number,
  run: (pair: ScalePair) => Outcome,
): Promise<void> {
  const pair = new ScalePair({ connections: 20_000, timeWaits: 20_000 });
  // Warms up the stack, so that its queues and slots exist.
  connectToDeadPort(pair, 1_000);
  const before = await used();
  const began = performance.now();
  const { good, wrong } = run(pair);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(
    `${name}: ${good} of ${expected} as they should be, ${seconds} s ${wrong.join('; ')}`,
    good === expected,
  );
  const after = await used();
  const growth = (after / before - 1) * 100;
  say(`  memory ${mib(before)} → ${mib(after)} MiB (${growth.toFixed(1)} %)`, growth < 10);
  const { connections, timeWaits, bufferBytes } = pair.right.usage;
  say(
    `  left in the tables: ${connections} + ${timeWaits}`,
    connections + timeWaits + bufferBytes === 0,
  );
}

const mib = (bytes: number): string => (bytes / KIB / KIB).toFixed(1);

/** Bytes that one end of an idle stream uses. */
async function costOfIdle(): Promise<number> {
  const pair = new ScalePair({});
  const before = await used();
  const kept = idleStreams(pair, IDLE);
  const cost = ((await used()) - before) / (2 * IDLE);
  for (const socket of kept) socket.on('error', () => undefined).destroy();
  kept.clear();
  return cost;
}

/** The same for a Node socket on loopback. */
async function costOfSocket(): Promise<number> {
  const kept: Socket[] = [];
  const server = createServer((socket) => kept.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const before = await used();
  for (let index = 0; index < IDLE; index++) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    kept.push(socket);
  }
  const cost = ((await used()) - before) / (2 * IDLE);
  for (const socket of kept) socket.destroy();
  server.close();
  return cost;
}

// The JavaScript engine compiles and fills its caches in the first run.
connectToDeadPort(new ScalePair({}), 4_000);
openUseClose(new ScalePair({}), 4_000);
await scene('opened, used, closed', CONNECTIONS, (pair) => openUseClose(pair, CONNECTIONS));
await scene('to a dead port', CONNECTIONS, (pair) => connectToDeadPort(pair, CONNECTIONS));
await scene(`through a flood of ${FLOOD} SYNs`, HONEST, (pair) => synFlood(pair, FLOOD, HONEST));
await costOfSocket();
const ours = await costOfIdle();
const nodes = await costOfSocket();
say(
  `an idle stream costs ${(ours / KIB).toFixed(1)} KiB, a loopback socket ${(nodes / KIB).toFixed(1)} KiB of JavaScript's heap`,
  ours - nodes < 6 * KIB,
);
process.exitCode = failures.length > 0 ? 1 : 0;
