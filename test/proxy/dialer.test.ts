import { PassThrough } from 'node:stream';

import { DialError, LaterDialer } from '../../src/proxy/dialer.js';

const TARGET = { host: '100.127.69.42', port: 80 };

it('delays a dial until the dialer exists', async () => {
  const later = new LaterDialer();
  const stream = new PassThrough();
  const dialled = later.dial(TARGET);
  later.open(Promise.resolve({ dial: () => Promise.resolve(stream) }));
  expect(await dialled).toBe(stream);
});

it('fails each dial with the reason why no dialer exists', async () => {
  const later = new LaterDialer();
  later.open(Promise.reject(new DialError('closed', 'no tunnel')));
  await expect(later.dial(TARGET)).rejects.toThrow('no tunnel');
});
