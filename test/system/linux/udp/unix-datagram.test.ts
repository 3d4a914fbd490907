import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadLibc } from '../../../../src/system/linux/libc.js';
import {
  encodeUnixAddress,
  UnixDatagramSender,
} from '../../../../src/system/linux/udp/unix-datagram.js';
import { toHex } from '../../../support/hex.js';
import { NotifySocket } from '../../../support/notify-socket.js';
import { describeWith } from '../../../support/runner/requirements.js';

it('are struct sockaddr_un, on a little-endian machine', () => {
  expect(toHex(encodeUnixAddress('/run/x'))).toBe('0100' + '2f72756e2f78' + '00');
  // unix(7): an abstract name ends at the given length.
  expect(toHex(encodeUnixAddress('@run'))).toBe('0100' + '0072756e');
});

it('are refused if no socket can have the name', () => {
  expect(encodeUnixAddress(`/${'x'.repeat(106)}`)).toHaveLength(110);
  expect(() => encodeUnixAddress(`/${'x'.repeat(107)}`)).toThrow(RangeError);
  expect(encodeUnixAddress(`@${'x'.repeat(107)}`)).toHaveLength(110);
  expect(() => encodeUnixAddress(`@${'é'.repeat(54)}`)).toThrow(RangeError);
});

describeWith(['linux', 'koffi'], 'datagrams of unix(7)', () => {
  let folder: string;
  let sender: UnixDatagramSender;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-unix-'));
    sender = new UnixDatagramSender((await loadLibc())!);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a path', () => join(folder, 'notify')],
    ['an abstract name', () => `@arctun-test-${process.pid}`],
  ])('arrive at %s, complete and separate', async (_, name) => {
    const receiver = await NotifySocket.bind(name());
    try {
      sender.send(name(), Buffer.from('READY=1'));
      sender.send(name(), Buffer.from('WATCHDOG=1\nSTATUS=é'));
      expect(receiver.takeAll()).toEqual(['READY=1', 'WATCHDOG=1\nSTATUS=é']);
    } finally {
      receiver.close();
    }
  });

  it('are refused with a reason, and leave no descriptor open', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const bytes = Buffer.from('x');
    const nowhere = join(folder, 'nowhere');
    expect(() => sender.send(nowhere, bytes)).toThrow('sendto: ENOENT');
    const name = join(folder, 'full');
    const receiver = await NotifySocket.bind(name);
    const fill = () => {
      for (;;) sender.send(name, bytes);
    };
    expect(fill).toThrow('sendto: EAGAIN');
    receiver.close();
    expect(() => sender.send(name, bytes)).toThrow('sendto: ECONNREFUSED');
    // A descriptor of an earlier test may have been closed.
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});
