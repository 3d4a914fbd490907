/**
 * Generates QR codes for a phone's WireGuard app. A code contains the whole configuration with its
 * secrets.
 */
import type * as QrCode from 'qrcode';

import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';

/** Error correction level L gives the smallest code and is sufficient on a screen. */
const ON_A_SCREEN = { errorCorrectionLevel: 'L' } as const;
const IN_AN_IMAGE = { errorCorrectionLevel: 'M', margin: 4, scale: 4 } as const;

/**
 * Generates a code that consists of half-block characters. Escape sequences make the code black on
 * white, so that it is readable on any terminal. Adds a note if the terminal is too small.
 *
 * @param available the terminal's size; undefined if the output is not a terminal
 * @throws UserError `failed` if the text is too long for a QR code
 */
export async function terminalQrCode(
  text: string,
  available: { readonly columns: number; readonly rows: number } | undefined,
): Promise<{ code: string; note: string | undefined }> {
  const code = await made((library) =>
    library.toString(text, { type: 'terminal', small: true, ...ON_A_SCREEN }),
  );
  const lines = code.trimEnd().split('\n');
  const columns = (lines[0] ?? '').replace(ESCAPES, '').length;
  const rows = lines.length;
  const isTooSmall =
    available !== undefined && (available.columns < columns || available.rows < rows);
  const note = isTooSmall
    ? `The QR code needs ${columns} columns and ${rows} rows, but the terminal has only ${available.columns} columns and ${available.rows} rows. Enlarge the terminal, or use --png FILE.`
    : undefined;
  return { code: `${code}\n`, note };
}

/**
 * Generates the code as a PNG image.
 * @throws UserError `failed` if the text is too long for a QR code
 */
export async function pngQrCode(text: string): Promise<Uint8Array> {
  return made((library) => library.toBuffer(text, { type: 'png', ...IN_AN_IMAGE }));
}

// eslint-disable-next-line no-control-regex -- SGR sequences begin with ESC
const ESCAPES = /\u001b\[\d*m/g;

async function made<T>(
  make: (library: Pick<typeof QrCode, 'toString' | 'toBuffer'>) => Promise<T>,
): Promise<T> {
  const { default: library } = await import('qrcode');
  try {
    return await make(library);
  } catch (error) {
    throw new UserError('failed', {
      what: 'cannot create a QR code',
      why: messageOf(error),
      next: ['Remove some additionalAllowedIPs, or print the text without a QR code.'],
      cause: error,
    });
  }
}
