import {
  MAX_STRANGERS,
  STRANGERS_PER_TURN,
  StrangerQueue,
} from '../../../src/wireguard/handshake/stranger-queue.js';

const SOURCE = { address: '192.0.2.1', port: 1 };

it('returns at most 8 messages per turn, oldest first', () => {
  const queue = new StrangerQueue();
  for (let index = 0; index < 10; index++) queue.push(Uint8Array.of(index), SOURCE);
  expect(queue.takeTurn().map(({ bytes }) => bytes[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(queue.takeTurn().map(({ bytes }) => bytes[0])).toEqual([8, 9]);
  expect(queue.takeTurn()).toEqual([]);
  expect(STRANGERS_PER_TURN).toBe(8);
});

it('holds at most 512 messages', () => {
  const queue = new StrangerQueue();
  for (let index = 0; index < 512; index++)
    expect(queue.push(new Uint8Array(1), SOURCE)).toBe(true);
  expect(queue.push(new Uint8Array(1), SOURCE)).toBe(false);
  expect(queue.length).toBe(MAX_STRANGERS);
  queue.clear();
  expect(queue.length).toBe(0);
});

it('copies the messages', () => {
  const queue = new StrangerQueue();
  const batch = Uint8Array.of(1, 2, 3);
  queue.push(batch.subarray(1, 2), SOURCE);
  batch.fill(0);
  const [message] = queue.takeTurn();
  expect(message!.bytes).toEqual(Uint8Array.of(2));
  expect(message!.bytes.buffer.byteLength).toBe(1);
});
