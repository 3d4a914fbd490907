/** Reads QR codes as a phone would: from an image, and from a screenshot of a black terminal. */
import readQrCode from 'jsqr';
import { PNG } from 'pngjs';

type Decode = (
  data: Uint8ClampedArray,
  width: number,
  height: number,
  options: { inversionAttempts: 'dontInvert' },
) => { data: string } | null;

/** jsqr is CommonJS: the value of a default import depends on the loader. */
const loaded = readQrCode as unknown as Decode & { default?: Decode };
const decode = loaded.default ?? loaded;

const AS_IT_IS = { inversionAttempts: 'dontInvert' } as const;

export function decodePng(bytes: Uint8Array): string | undefined {
  const { data, width, height } = PNG.sync.read(Buffer.from(bytes));
  return decode(Uint8ClampedArray.from(data), width, height, AS_IT_IS)?.data;
}

const SCALE = 4;
/** The visible black margin of the terminal around the code, in modules. */
const BLACK = 6;

/** The text of a code shown on a terminal. */
export function decodeTerminal(code: string): string | undefined {
  const { data, width, height } = photograph(code);
  return decode(data, width, height, AS_IT_IS)?.data;
}

/** What the escape sequences and half blocks look like on a black terminal. */
function photograph(code: string): { data: Uint8ClampedArray; width: number; height: number } {
  const rows: boolean[][] = [];
  let colours = { foreground: true, background: false };
  for (const line of code.split('\n')) {
    const [top, bottom]: [boolean[], boolean[]] = [[], []];
    // eslint-disable-next-line no-control-regex -- SGR sequences begin with ESC
    for (const [, sequence, character] of line.matchAll(/\u001b\[(\d*)m|(.)/gsu)) {
      if (sequence !== undefined) {
        if (sequence === '0') colours = { foreground: true, background: false };
        else if (sequence === '47') colours.background = true;
        else if (sequence === '40') colours.background = false;
        else colours.foreground = sequence === '37';
      } else {
        const { foreground, background } = colours;
        top.push(character === '▀' || character === '█' ? foreground : background);
        bottom.push(character === '▄' || character === '█' ? foreground : background);
      }
    }
    rows.push(top, bottom);
  }
  const columns = Math.max(...rows.map((row) => row.length));
  const [width, height] = [columns + 2 * BLACK, rows.length + 2 * BLACK];
  const data = new Uint8ClampedArray(width * height * SCALE * SCALE * 4);
  for (let y = 0; y < height * SCALE; y++) {
    for (let x = 0; x < width * SCALE; x++) {
      const isWhite = rows[Math.floor(y / SCALE) - BLACK]?.[Math.floor(x / SCALE) - BLACK] ?? false;
      data.set(
        [isWhite ? 255 : 0, isWhite ? 255 : 0, isWhite ? 255 : 0, 255],
        (y * width * SCALE + x) * 4,
      );
    }
  }
  return { data, width: width * SCALE, height: height * SCALE };
}
