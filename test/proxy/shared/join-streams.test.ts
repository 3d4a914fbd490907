import { Duplex, PassThrough } from 'node:stream';

import { joinStreams } from '../../../src/proxy/shared/join-streams.js';

let input: PassThrough;
let output: PassThrough;
let received: string;
let connection: Duplex;
let sent: string;
let isEnded: boolean;

beforeEach(() => {
  input = new PassThrough();
  output = new PassThrough();
  received = '';
  sent = '';
  isEnded = false;
  output.on('data', (chunk: Buffer) => (received += chunk.toString()));
  connection = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      sent += chunk.toString();
      done();
    },
    final: (done) => {
      isEnded = true;
      done();
    },
  });
});

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

it('resolves after both directions have ended', async () => {
  let isOver = false;
  const joined = joinStreams({ input, output }, connection).then(() => (isOver = true));
  input.end('question');
  await turns();
  expect({ sent, isEnded, isOver }).toEqual({ sent: 'question', isEnded: true, isOver: false });
  connection.push('answer');
  connection.push(null);
  await joined;
  expect(received).toBe('answer');
  expect(output.writableFinished).toBe(true);
});

it('ends the output while the input continues', async () => {
  const joined = joinStreams({ input, output }, connection);
  connection.push(null);
  await turns();
  expect([output.writableFinished, isEnded]).toEqual([true, false]);
  input.end();
  await joined;
});

it('fails with the error of the connection, and closes it', async () => {
  const joined = joinStreams({ input, output }, connection);
  connection.destroy(new Error('reset'));
  await expect(joined).rejects.toThrow('reset');
  expect(input.destroyed).toBe(true);
});

it('fails if the connection closes before its end', async () => {
  const joined = joinStreams({ input, output }, connection);
  connection.destroy();
  await expect(joined).rejects.toThrow('the connection was closed');
});

it('fails if the connection was already lost', async () => {
  connection.on('error', () => undefined).destroy(new Error('lost'));
  await turns();
  await expect(joinStreams({ input, output }, connection)).rejects.toThrow('lost');
});

it('resolves if the reader of the output has closed it', async () => {
  const joined = joinStreams({ input, output }, connection);
  output.destroy(Object.assign(new Error('pipe'), { code: 'EPIPE' }));
  await joined;
  expect(connection.destroyed).toBe(true);
});

it('fails if the output cannot be written', async () => {
  const joined = joinStreams({ input, output }, connection);
  output.destroy(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  await expect(joined).rejects.toThrow('full');
});

it('stops with the abort reason', async () => {
  const stop = new AbortController();
  const joined = joinStreams({ input, output }, connection, stop.signal);
  stop.abort(new Error('stop'));
  await expect(joined).rejects.toThrow('stop');
  expect(connection.destroyed).toBe(true);
});
