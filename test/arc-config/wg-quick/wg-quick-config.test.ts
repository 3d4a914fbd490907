import { readWgQuickText } from '../../../src/arc-config/wg-quick/wg-quick-config.js';
import { PRIVATE_KEY } from '../sample.js';

const entriesOf = (text: string) =>
  readWgQuickText(text).sections.flatMap(({ entries }) => entries);
const faultsOf = (text: string) =>
  readWgQuickText(text).faults.map(({ line, found }) => `${line} ${found}`);

it('reads sections and keys in any case, with their lines', () => {
  const { sections, faults } = readWgQuickText(
    '\n[INTERFACE]\nmtu=1\n [ Peer ] \n  EndPoint = h:1 \n',
  );
  expect(faults).toEqual([]);
  expect(sections).toEqual([
    { name: 'interface', line: 2, entries: [{ key: 'MTU', name: 'mtu', value: '1', line: 3 }] },
    {
      name: 'peer',
      line: 4,
      entries: [{ key: 'Endpoint', name: 'EndPoint', value: 'h:1', line: 5 }],
    },
  ]);
});

it('recognizes keys by their section', () => {
  const [endpoint, mtu] = entriesOf('[Interface]\nEndpoint = h:1\n[Peer]\nMTU = 1');
  expect([endpoint?.key, mtu?.key]).toEqual([undefined, undefined]);
});

it('skips comments and empty lines', () => {
  const text = '# a\n; b\n[Interface] # c\n\n  \nMTU = 1 # d\nPostUp = a#b\n#MTU = 2\n';
  expect(entriesOf(text).map(({ value }) => value)).toEqual(['1', 'a']);
});

it('keeps everything after the first equals sign', () => {
  expect(entriesOf('[Interface]\nPostUp = a b=c; d = e\nDNS =')).toMatchObject([
    { value: 'a b=c; d = e' },
    { value: '' },
  ]);
});

it.each(['\n', '\r\n', '\r'])('splits lines at %j', (end) => {
  expect(entriesOf(`\ufeff[Interface]${end}MTU = 1${end}DNS = x`)).toMatchObject([
    { value: '1', line: 2 },
    { value: 'x', line: 3 },
  ]);
});

it('reports a line that is not an entry', () => {
  expect(faultsOf('MTU = 1')).toEqual(['1 MTU before any section']);
  expect(faultsOf('[Interface]\nMTU')).toEqual(['2 text without a key']);
  expect(faultsOf('[Interface]\n= 1')).toEqual(['2 text without a key']);
  expect(faultsOf('[Interface\nMTU = 1')).toEqual(['1 another section']);
});

it('reports an unknown section once', () => {
  const { sections, faults } = readWgQuickText('[WireGuard]\na = 1\nb\n[Interface]\nMTU = 1');
  expect(faults).toEqual([
    { line: 1, keyPath: '', found: 'another section', expected: '[Interface] or [Peer]' },
  ]);
  expect(sections).toHaveLength(1);
});

it('does not show a key without a name', () => {
  expect(JSON.stringify(readWgQuickText(`[Interface]\n${PRIVATE_KEY}\n`))).not.toContain('IBEi');
});

it('detects UTF-16', () => {
  const text = Buffer.from('[Interface]\nMTU = 1\n', 'utf16le').toString('utf8');
  expect(faultsOf(text)).toEqual(['1 NUL characters']);
});

it('reads a long line in linear time', () => {
  expect(faultsOf(`[Interface]\na${' '.repeat(500_000)}b`)).toEqual(['2 text without a key']);
});
