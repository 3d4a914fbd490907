import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  createLocalListeners,
  localListeners,
} from '../../../src/system/network/local-listener.js';
import type { Conversation, LocalListener } from '../../../src/ports/local-sockets.js';
import { until } from '../../support/until.js';

let folder: string;
let path: string;
let listener: LocalListener | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-listener-'));
  path = join(folder, 'made/for/it.sock');
});

afterEach(async () => {
  await listener?.close();
  listener = undefined;
  rmSync(folder, { recursive: true });
});

/** Echoes its input in capitals; "end" ends it. */
function shout(): Conversation {
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    handle: async (text) => {
      await Promise.resolve();
      isOver = text.includes('end');
      return text.toUpperCase();
    },
    close: () => undefined,
  };
}

async function talk(text: string): Promise<[Socket, string]> {
  const socket = connect(path);
  socket.setEncoding('utf8');
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [string];
  return [socket, answer];
}

it('notifies a conversation that its other end has disconnected', async () => {
  let closed = 0;
  listener = await localListeners.listen(path, () => ({ ...shout(), close: () => closed++ }));
  const [socket] = await talk('hello');
  expect(closed).toBe(0);
  socket.destroy();
  await until(() => closed > 0);
  expect(closed).toBe(1);
});

it('creates no folder that others may write to, with any umask', async () => {
  const umask = process.umask(0);
  try {
    listener = await localListeners.listen(path, shout);
  } finally {
    process.umask(umask);
  }
  expect(statSync(join(folder, 'made')).mode & 0o022).toBe(0);
});

it('creates a folder that others may read, and does not change an existing one', async () => {
  const umask = process.umask(0o077);
  listener = await localListeners.listen(path, shout);
  // Files that others create later are not ours to restrict.
  expect(process.umask(umask)).toBe(0o077);
  expect(statSync(join(folder, 'made/for')).mode & 0o777).toBe(0o755);
  const inner = await localListeners.listen(join(folder, 'it.sock'), shout);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  await inner.close();
});

it('ends a finished conversation', async () => {
  listener = await localListeners.listen(path, shout);
  const [socket] = await talk('end');
  await once(socket, 'close');
});

it('is only for its owner', async () => {
  listener = await localListeners.listen(path, shout);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('ends with all conversations, and removes its path', async () => {
  listener = await localListeners.listen(path, shout);
  const [socket] = await talk('hello');
  await Promise.all([once(socket, 'close'), listener.close()]);
  expect(() => statSync(path)).toThrow('ENOENT');
});

it('replaces a process that died', async () => {
  listener = await localListeners.listen(path, shout);
  // A server that is closed removes its path; a killed one leaves it.
  const stale = join(folder, 'stale.sock');
  const { execFileSync } = await import('node:child_process');
  const script = `require('node:net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', script])).toThrow();
  expect(statSync(stale).isSocket()).toBe(true);
  const next = await localListeners.listen(stale, shout);
  await next.close();
});

it('does not touch a live one, or a file of another kind', async () => {
  const live = join(folder, 'live.sock');
  const server = createServer().listen(live);
  await once(server, 'listening');
  await expect(localListeners.listen(live, shout)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  server.close();
  const file = join(folder, 'file');
  writeFileSync(file, 'kept');
  await expect(localListeners.listen(file, shout)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(statSync(file).size).toBe(4);
});

/** Connects, and returns whether the other end is still there. */
function hold(): { readonly socket: Socket; readonly isOpen: () => boolean } {
  const socket = connect(path).on('error', () => undefined);
  return { socket, isOpen: () => !socket.destroyed };
}

it('ends the conversation that was idle for longest to make room for another', async () => {
  listener = await createLocalListeners({ maxConversations: 3 }).listen(path, shout);
  const [first] = await talk('first');
  const silent = hold();
  const [third] = await talk('third');
  first.write('again');
  await once(first, 'data');
  const isSilentGone = once(silent.socket, 'close');
  const [fourth] = await talk('fourth');
  await isSilentGone;
  const isThirdGone = once(third, 'close');
  const [fifth] = await talk('fifth');
  await isThirdGone;
  first.write('still');
  await expect(once(first, 'data')).resolves.toEqual(['STILL']);
  for (const socket of [first, fourth, fifth]) socket.destroy();
});

it('does not end a conversation that waits for its answer', async () => {
  let answer: ((text: string) => void) | undefined;
  const slow = { ...shout(), handle: () => new Promise<string>((resolve) => (answer = resolve)) };
  listener = await createLocalListeners({ maxConversations: 1 }).listen(path, () => slow);
  const busy = connect(path).setEncoding('utf8');
  busy.write('question');
  while (answer === undefined) await new Promise(setImmediate);
  await once(hold().socket, 'close');
  answer('answer');
  await expect(once(busy, 'data')).resolves.toEqual(['answer']);
  busy.destroy();
});

it('ends a conversation that is silent for too long', async () => {
  listener = await createLocalListeners({ longestSilence: 50 }).listen(path, shout);
  await once(hold().socket, 'close');
});

it('does not read from a client that does not read its answers', async () => {
  const long = 'x'.repeat(1024 * 1024);
  let requests = 0;
  const generous: Conversation = {
    ...shout(),
    handle: () => Promise.resolve(`${++requests}${long}`),
  };
  listener = await localListeners.listen(path, () => generous);
  const socket = connect(path);
  const isWritten = new Promise((resolve) => socket.write('q'.repeat(1024 * 1024), resolve));
  while (requests === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  expect(requests).toBe(1);
  socket.resume();
  await isWritten;
  while (requests === 1) await new Promise(setImmediate);
  socket.destroy();
});

describe('a connection that is taken over', () => {
  let taken: Socket | undefined;
  let closed = 0;

  /** Takes over the connection after "take". */
  function handOver(): Conversation {
    let takeOver: Conversation['takeOver'];
    return {
      isOver: false,
      get takeOver() {
        return takeOver;
      },
      handle: async (text) => {
        await Promise.resolve();
        if (text.startsWith('take'))
          takeOver = (stream) => {
            if (stream instanceof Socket) taken = stream;
          };
        return text.startsWith('take') ? '' : text;
      },
      close: () => closed++,
    };
  }

  beforeEach(() => {
    taken = undefined;
    closed = 0;
  });

  async function begin(): Promise<Socket> {
    const socket = connect(path);
    socket.write('take');
    await until(() => taken !== undefined);
    return socket;
  }

  it('carries bytes, and is no longer part of the conversation', async () => {
    listener = await localListeners.listen(path, handOver);
    const socket = await begin();
    expect(closed).toBe(1);
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28]);
    socket.write(bytes);
    taken!.resume();
    await expect(once(taken!, 'data')).resolves.toEqual([bytes]);
    expect(taken!.timeout ?? 0).toBe(0);
    socket.destroy();
    await once(taken!, 'close');
    expect(closed).toBe(1);
  });

  it('does not count as a conversation', async () => {
    const listeners = createLocalListeners();
    listener = await listeners.listen(path, handOver, { maxConversations: 1 });
    const socket = await begin();
    const [other, answer] = await talk('hello');
    expect(answer).toBe('hello');
    expect(taken!.destroyed).toBe(false);
    for (const each of [socket, other]) each.destroy();
  });

  it('continues after the listener has closed', async () => {
    listener = await localListeners.listen(path, handOver);
    const socket = await begin();
    await listener.close();
    taken!.end('later');
    await expect(once(socket, 'data')).resolves.toEqual([Buffer.from('later')]);
    socket.destroy();
    listener = undefined;
  });
});
