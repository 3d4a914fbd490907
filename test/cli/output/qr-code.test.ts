import { pngQrCode, terminalQrCode } from '../../../src/cli/output/qr-code.js';
import { decodePng, decodeTerminal } from '../qr-code-reader.js';

const TEXT = `[Interface]\nAddress = 10.227.47.214/32\nPrivateKey = IBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7n8=\n\n[Peer]\nAllowedIPs = ${Array.from(
  { length: 17 },
  (_, index) => `100.127.${index}.128/25`,
).join(', ')}\nEndpoint = é.example:11010\n`;

it('creates an image that decodes to the text', async () => {
  expect(decodePng(await pngQrCode(TEXT))).toBe(TEXT);
}, 60_000);

it('creates a code that decodes to the text from a black terminal', async () => {
  const { code, note } = await terminalQrCode(TEXT, undefined);
  expect(decodeTerminal(code)).toBe(TEXT);
  expect(code.endsWith('\n')).toBe(true);
  expect(note).toBeUndefined();
}, 60_000);

it('reports that a terminal is too narrow or too low', async () => {
  const { code } = await terminalQrCode(TEXT, undefined);
  const [first = ''] = code.split('\n');
  // eslint-disable-next-line no-control-regex -- SGR sequences begin with ESC
  const columns = first.replaceAll(/\u001b\[\d*m/g, '').length;
  const rows = code.trimEnd().split('\n').length;
  expect(await terminalQrCode(TEXT, { columns, rows })).toEqual({ code, note: undefined });
  for (const size of [
    { columns: columns - 1, rows },
    { columns, rows: rows - 1 },
  ]) {
    expect((await terminalQrCode(TEXT, size)).note).toBe(
      `The QR code needs ${columns} columns and ${rows} rows, but the terminal has only ${size.columns} columns and ${size.rows} rows. Enlarge the terminal, or use --png FILE.`,
    );
  }
}, 60_000);

it('reports that the text is too long', async () => {
  const makes = [pngQrCode, (text: string) => terminalQrCode(text, undefined)];
  for (const make of makes) {
    await expect(make('x'.repeat(5000))).rejects.toMatchObject({
      kind: 'failed',
      what: 'cannot create a QR code',
    });
  }
});
