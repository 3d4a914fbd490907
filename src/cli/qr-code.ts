/** A text as a QR code, which a phone's WireGuard app reads. It holds all that the text holds. */
import type * as QrCode from 'qrcode';

import { messageOf } from '../lib/error-message.js';
import { UserError } from '../lib/user-error.js';

/** A screen has no scratches: the least correction makes the smallest code. */
const ON_A_SCREEN = { errorCorrectionLevel: 'L' } as const;
const IN_AN_IMAGE = { errorCorrectionLevel: 'M', margin: 4, scale: 4 } as const;

/**
 * The code in half blocks, black on white by escape sequences, so that it reads on any terminal,
 * and what to tell whose terminal is too narrow for it.
 *
 * @param available the terminal's columns; undefined where it goes elsewhere
 * @throws UserError `failed` when the text is too long for a QR code
 */
export async function terminalQrCode(
  text: string,
  available: number | undefined,
): Promise<{ code: string; note: string | undefined }> {
  const code = await made((library) =>
    library.toString(text, { type: 'terminal', small: true, ...ON_A_SCREEN }),
  );
  const columns = code.slice(0, code.indexOf('\n')).replace(ESCAPES, '').length;
  const note =
    available !== undefined && available < columns
      ? `The code is ${columns} columns wide, the terminal ${available}: widen it, or use --png.`
      : undefined;
  return { code: `${code}\n`, note };
}

/**
 * The code as a PNG image.
 * @throws UserError `failed` when the text is too long for a QR code
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
    throw new UserError(
      'failed',
      {
        what: 'cannot make a QR code',
        why: messageOf(error),
        next: ['Use fewer additionalAllowedIPs, or the text without a QR code.'],
      },
      { cause: error },
    );
  }
}
