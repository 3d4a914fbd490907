/** Lists of rtnetlink that change while the kernel writes them, with a fake kernel. */
import type { Libc, LibcFunction } from '../../../src/system/linux/libc.js';
import {
  encodeRequest,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
} from '../../../src/system/linux/interface/netlink-message.js';
import { newRoute, RTM_NEWROUTE } from '../../../src/system/linux/interface/rtnetlink-messages.js';
import { Rtnetlink } from '../../../src/system/linux/interface/rtnetlink.js';
import { formatIpAddress, parseIpPrefix } from '../../../src/wire/ip-address.js';

/** The kernel's messages for one list: a route, and whether the list was interrupted. */
interface List {
  readonly route: string;
  readonly interrupted?: 'in the middle' | 'at its end';
}

/** Answers each request for a list with the next one. */
function kernel(lists: readonly List[]): { libc: Libc; asked: () => number } {
  let buffer = new Uint8Array();
  let asked = 0;
  let answers: Uint8Array[] = [];
  const calls: Record<string, (...parameters: never[]) => number> = {
    socket: () => 3,
    setsockopt: () => 0,
    close: () => 0,
    send: (_socket: number, _address: number, length: number) => {
      const sequence = new DataView(buffer.buffer).getUint32(8, true);
      answers = answer(lists[Math.min(asked++, lists.length - 1)]!, sequence);
      return length;
    },
    recv: () => {
      const bytes = answers.shift()!;
      buffer.set(bytes);
      return bytes.length;
    },
  };
  const bind = (declaration: string) =>
    calls[/(\w+)\(/.exec(declaration)?.[1] ?? ''] as unknown as LibcFunction;
  const address = (bytes: Uint8Array) => {
    buffer = bytes as Uint8Array<ArrayBuffer>;
    return 0n;
  };
  const poll = () => {
    throw new Error('rtnetlink does not wait');
  };
  return { libc: { bind, address, poll, wordSize: 8, errno: () => 0 }, asked: () => asked };
}

function answer({ route, interrupted }: List, sequence: number): Uint8Array[] {
  const flag = (where: string) => (interrupted === where ? NLM_F_DUMP_INTR : 0);
  const { body } = newRoute({ destination: parseIpPrefix(route)!, interfaceIndex: 1 });
  const messages = [
    { type: RTM_NEWROUTE, flags: flag('in the middle'), body },
    { type: NLMSG_DONE, flags: flag('at its end'), body: new Uint8Array(4) },
  ];
  return messages.map((message) => encodeRequest(message, sequence));
}

const listed = (libc: Libc) =>
  new Rtnetlink(libc).listRoutes(4).map(({ destination }) => formatIpAddress(destination.address));

it('accepts a list that was not interrupted', () => {
  const { libc, asked } = kernel([{ route: '10.0.0.0/8' }]);
  expect(listed(libc)).toEqual(['10.0.0.0']);
  expect(asked()).toBe(1);
});

it.each(['in the middle', 'at its end'] as const)(
  'requests a list again that was interrupted %s, and drops the partial one',
  (interrupted) => {
    const { libc, asked } = kernel([
      { route: '10.0.0.0/8', interrupted },
      { route: '10.1.0.0/16', interrupted },
      { route: '10.2.0.0/16' },
    ]);
    expect(listed(libc)).toEqual(['10.2.0.0']);
    expect(asked()).toBe(3);
  },
);

it('accepts the fifth list in any case, because routes may change forever', () => {
  const { libc, asked } = kernel([{ route: '10.0.0.0/8', interrupted: 'at its end' }]);
  expect(listed(libc)).toEqual(['10.0.0.0']);
  expect(asked()).toBe(5);
});
