import { MessageCount } from '../../../bench/support/message-count.js';

it('counts different messages of each SIM, and those that arrive twice or under another SIM', () => {
  const count = new MessageCount();
  for (const [simId, body] of [
    ['1', '1 1'],
    ['1', '1 2'],
    ['2', '2 1'],
    ['2', '2 1'],
    ['1', '2 2'],
  ] as const) {
    count.add({ simId, body });
  }
  expect(count.take()).toEqual({ arrived: { 1: 2, 2: 1 }, doubled: 1, misplaced: 1 });
  expect(count.take()).toEqual({ arrived: {}, doubled: 0, misplaced: 0 });
});

it('counts a copy that arrives after the message was taken, and not as another message', () => {
  const count = new MessageCount();
  count.add({ simId: '1', body: '1 1' });
  count.take();
  count.add({ simId: '1', body: '1 1' });
  count.add({ simId: '1', body: '1 2' });
  expect(count.take()).toEqual({ arrived: { 1: 1 }, doubled: 1, misplaced: 0 });
});
