import { RequestReader } from '../../../src/wireguard/uapi/request-reader.js';

const PEER = `public_key=${'a'.repeat(64)}`;

it('reads requests split at any byte', () => {
  const text = `get=1\n\nset=1\n${PEER}\nremove=true\n\nget=1\n\n`;
  for (const size of [1, 7, text.length]) {
    const reader = new RequestReader();
    const operations: string[] = [];
    for (let from = 0; from < text.length; from += size) {
      for (const { operation } of reader.read(text.slice(from, from + size))) {
        operations.push(operation);
      }
    }
    expect(operations).toEqual(['get', 'set', 'get']);
  }
});

it('returns the settings of a set request', () => {
  const [request] = new RequestReader().read(`set=1\nlisten_port=7\n${PEER}\nremove=true\n\n`);
  expect(request).toMatchObject({
    operation: 'set',
    request: { listenPort: 7, peers: [{ remove: true }] },
  });
});

it.each(['get=2', 'get=1\nlisten_port=7', 'set=2', 'set=1\nnonsense', '', 'hello'])(
  'reports an invalid request: %j',
  (text) => {
    expect(new RequestReader().read(`${text}\n\n`)).toEqual(
      expect.arrayContaining([{ operation: 'invalid' }]),
    );
  },
);

it('buffers at most 64 MiB of one request', () => {
  const reader = new RequestReader();
  const mebibyte = `${'x'.repeat(2 ** 20 - 1)}\n`;
  for (let count = 0; count < 64; count++) expect(reader.read(mebibyte)).toEqual([]);
  expect(reader.isOverlong).toBe(false);
  expect(reader.read('x')).toEqual([]);
  expect(reader.isOverlong).toBe(true);
  expect(reader.read('\n\nget=1\n\n')).toEqual([]);
});

it('limits each request separately', () => {
  const reader = new RequestReader();
  const request = `set=1\n${'x'.repeat(40 * 2 ** 20)}\n\n`;
  expect(reader.read(request)).toHaveLength(1);
  expect(reader.read(request)).toHaveLength(1);
  expect(reader.isOverlong).toBe(false);
});
