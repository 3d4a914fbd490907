import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onceCleanlyEnded } from '../../../src/proxy/relay/clean-end.js';
import { Relay } from '../../../src/proxy/relay/relay.js';
import { Side } from '../support/side.js';

const DATA = Buffer.alloc(1000, 'arctun');

let server: Server;
let folder: string;
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clean-end-'));
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

type Kind = 'TCP' | 'Unix';

/** Returns both ends of a new connection: the program's and the accepted one, which is paused. */
async function connection(kind: Kind): Promise<[Socket, Socket]> {
  const path = join(folder, 'socket');
  server.listen(kind === 'TCP' ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  const place: NetConnectOpts =
    kind === 'TCP' ? { port: (server.address() as { port: number }).port } : { path };
  const client = connect({ ...place, allowHalfOpen: true });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  sockets.push(client, accepted);
  client.on('error', () => undefined);
  return [client, accepted];
}

/** Sends the data and aborts, so that both are there before the other side reads. */
async function sendAndAbort(client: Socket, accepted: Socket, kind: Kind): Promise<void> {
  // An unread byte makes the close of a Unix socket a reset.
  if (kind === 'Unix') accepted.write('unread');
  await new Promise((resolve) => client.write(DATA, resolve));
  const closed = once(client, 'close');
  if (kind === 'TCP') client.resetAndDestroy();
  else client.destroy();
  await closed;
}

/** Reads until the socket has ended or closed; returns what was reported, in order. */
function read(accepted: Socket): { events: string[]; over: Promise<unknown> } {
  const events: string[] = [];
  let count = 0;
  accepted.on('data', (bytes: Uint8Array) => (count += bytes.length));
  const over = new Promise<void>((resolve) => {
    onceCleanlyEnded(accepted, () => {
      events.push(`end after ${count}`);
      resolve();
    });
    accepted.on('error', ({ message }) => events.push(message));
    accepted.once('close', () => resolve());
  });
  accepted.resume();
  return { events, over };
}

describe.each<Kind>(['TCP', 'Unix'])('a %s socket', (kind) => {
  it('that the peer ended has ended cleanly, and can still be written to', async () => {
    const [client, accepted] = await connection(kind);
    client.end(DATA);
    const { events, over } = read(accepted);
    await over;
    expect(events).toEqual(['end after 1000']);
    accepted.end('answer');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toBe('answer');
    await once(accepted, 'close');
    expect(events).toEqual(['end after 1000']);
  });

  it('that the peer ended after this side did is closed', async () => {
    const [client, accepted] = await connection(kind);
    accepted.end();
    await once(accepted, 'finish');
    client.resume().end(DATA);
    const { events, over } = read(accepted);
    const closed = once(accepted, 'close');
    await over;
    expect(events).toEqual(['end after 1000']);
    await closed;
  });

  it('that the peer reset together with its last data has not ended cleanly', async () => {
    const [client, accepted] = await connection(kind);
    await sendAndAbort(client, accepted, kind);
    const { events, over } = read(accepted);
    await over;
    expect(events).toEqual(['read ECONNRESET']);
  });

  it('that the peer reset after this side has ended has not ended cleanly', async () => {
    const [client, accepted] = await connection(kind);
    if (kind === 'Unix') accepted.end('unread');
    else accepted.end();
    await once(accepted, 'finish');
    await new Promise((resolve) => client.write(DATA, resolve));
    const closed = once(client, 'close');
    if (kind === 'TCP') client.resetAndDestroy();
    else client.destroy();
    await closed;
    const { events, over } = read(accepted);
    await over;
    expect(events).toEqual(['read ECONNRESET']);
  });

  it('makes a relay reset the other side, so that cut data does not look complete', async () => {
    const [client, accepted] = await connection(kind);
    await sendAndAbort(client, accepted, kind);
    const target = new Side();
    await new Promise<void>((resolve) => new Relay(accepted, target, resolve));
    expect([target.taken.length, target.hasEnded, target.fate]).toEqual([1000, false, 'reset']);
  });
});

it('reports the end of any other stream immediately', async () => {
  const side = new Side();
  const ended = new Promise<void>((resolve) => onceCleanlyEnded(side, resolve));
  side.push(null);
  side.resume();
  await ended;
  expect(side.readableEnded).toBe(true);
});
