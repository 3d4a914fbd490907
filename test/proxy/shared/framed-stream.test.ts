import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';

import { FramedStream } from '../../../src/proxy/shared/framed-stream.js';

it('does not queue reports for a client that does not read', async () => {
  const socket = new Duplex({
    writableHighWaterMark: 64,
    read: () => undefined,
    // The client never reads.
    write: () => undefined,
  });
  const stream = new FramedStream(socket, () => new Error('lost'));
  let acknowledged = 0;
  stream.reportAcknowledged(() => ++acknowledged);
  await setTimeout(300);
  expect(acknowledged).toBeGreaterThan(2);
  expect(socket.writableLength).toBeLessThan(80);
  stream.on('error', () => undefined).destroy();
  socket.destroy();
});
