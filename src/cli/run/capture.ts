/** `--capture`: the flag, the file, and a warning. */
import type { CaptureOptions } from '../../tunnel/capture/capture.js';
import { FileError } from '../../ports/files.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { CaptureFile } from '../../ports/capture-file.js';
import type { Log } from '../../ports/log.js';
import type { Flags } from '../flags/flag.js';
import type { SystemContext } from '../system-context.js';

export const captureFlags = {
  capture: {
    type: 'string',
    description:
      'Write all packets, encrypted and decrypted, to a new pcapng file together with the decryption keys.',
    helpValue: 'FILE',
  },
} as const satisfies Flags;

/** @param note prints a message for the user */
export function captureOptions(
  path: string | undefined,
  context: Pick<SystemContext, 'captureFile' | 'userAgent'>,
  log: Log,
  note: (line: string) => void,
): CaptureOptions | undefined {
  if (path === undefined) return undefined;
  return {
    application: context.userAgent,
    createFile: async (header) => {
      const file = await createFile(path, header, context, log);
      note(
        `Warning: ${path} will contain the private key and decrypted traffic. Anyone who has the file can read the traffic and use the SIM. Keep the file secret, and delete it when you are done.`,
      );
      return file;
    },
  };
}

async function createFile(
  path: string,
  header: readonly Uint8Array[],
  context: Pick<SystemContext, 'captureFile'>,
  log: Log,
): Promise<CaptureFile> {
  try {
    return await context.captureFile(path, header, log);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UserError(fileFaultKind(error), {
      what: `cannot capture to ${path}`,
      why: error.message,
      next: ['Choose a new file in a writable folder with enough space.'],
      cause: error,
    });
  }
}
