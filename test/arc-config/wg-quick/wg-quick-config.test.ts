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

it('skips comments and empty lines', () => {
  const text = '# a\n; b\n[Interface] # c\n\n  \nMTU = 1 # d\nPostUp = a#b\n#MTU = 2\n';
  expect(entriesOf(text).map(({ value }) => value)).toEqual(['1', 'a']);
});

it('reports a line that is not an entry', () => {
  expect(faultsOf('MTU = 1')).toEqual(['1 MTU before any section']);
  expect(faultsOf('[Interface]\nMTU')).toEqual(['2 text without a key']);
  expect(faultsOf('[Interface]\n= 1')).toEqual(['2 text without a key']);
  expect(faultsOf('[Interface\nMTU = 1')).toEqual(['1 another section']);
});

it('does not show a key without a name', () => {
  expect(JSON.stringify(readWgQuickText(`[Interface]\n${PRIVATE_KEY}\n`))).not.toContain('IBEi');
});

it('detects UTF-16', () => {
  const text = Buffer.from('[Interface]\nMTU = 1\n', 'utf16le').toString('utf8');
  expect(faultsOf(text)).toEqual(['1 NUL characters']);
});
