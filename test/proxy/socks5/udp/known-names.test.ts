import { KnownNames } from '../../../../src/proxy/socks5/udp/known-names.js';

const ADDRESS = Uint8Array.of(10, 0, 0, 1);
const OTHER = Uint8Array.of(10, 0, 0, 2);

let asked: {
  name: string;
  resolve: (address: Uint8Array) => void;
  reject: (error: Error) => void;
}[];
let names: KnownNames;

beforeEach(() => {
  asked = [];
  names = new KnownNames(
    (name) => new Promise((resolve, reject) => asked.push({ name, resolve, reject })),
  );
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

it('looks up a name once, in lower case, and then knows it', async () => {
  const found: unknown[] = [];
  expect(names.addressOf('One.test', 0)).toBe('unknown');
  expect(names.wait('one.TEST', (address) => found.push(address))).toBe(true);
  expect(names.addressOf('one.test', 1)).toBe('unknown');
  expect(asked.map(({ name }) => name)).toEqual(['one.test']);
  asked[0]!.resolve(ADDRESS);
  await settle();
  expect(found).toEqual([ADDRESS]);
  expect(names.addressOf('one.test', 4_999)).toBe(ADDRESS);
  expect(asked).toHaveLength(1);
});

it('uses the old address while it looks up a name again', async () => {
  names.addressOf('one.test', 0);
  asked[0]!.resolve(ADDRESS);
  await settle();
  expect(names.addressOf('one.test', 5_000)).toBe(ADDRESS);
  expect(asked).toHaveLength(2);
  asked[1]!.resolve(OTHER);
  await settle();
  expect(names.addressOf('one.test', 5_001)).toBe(OTHER);
});

it('does not ask again for 5 s after a failure', async () => {
  const found: unknown[] = [];
  names.addressOf('one.test', 0);
  names.wait('one.test', (address) => found.push(address));
  asked[0]!.reject(new Error('no such name'));
  await settle();
  expect(found).toEqual([undefined]);
  expect(names.addressOf('one.test', 4_999)).toBeUndefined();
  expect(names.addressOf('one.test', 5_000)).toBe('unknown');
  expect(asked).toHaveLength(2);
});

it('looks up 8 names at once, for which 64 datagrams wait', async () => {
  for (let index = 0; index < 9; index++) names.addressOf(`n${index}.test`, 0);
  expect(asked).toHaveLength(8);
  expect(names.wait('n8.test', () => undefined)).toBe(false);
  for (let index = 0; index < 64; index++) {
    expect(names.wait(`n${index % 8}.test`, () => undefined)).toBe(true);
  }
  expect(names.wait('n0.test', () => undefined)).toBe(false);
  asked[0]!.resolve(ADDRESS);
  await settle();
  expect(names.addressOf('n8.test', 1)).toBe('unknown');
  expect(names.wait('n8.test', () => undefined)).toBe(true);
});

it('remembers 256 names', async () => {
  for (let index = 0; index < 257; index++) {
    names.addressOf(`n${index}.test`, 0);
    asked.at(-1)!.resolve(ADDRESS);
    await settle();
  }
  expect(names.addressOf('n256.test', 1)).toBe(ADDRESS);
  expect(names.addressOf('n1.test', 1)).toBe(ADDRESS);
  expect(names.addressOf('n0.test', 1)).toBe('unknown');
});
