/** `--capture`: the flag, the file, and a warning. */
import type { CaptureOptions } from '../../tunnel/capture/capture.js';
import { explainingFile } from '../../arc-config/arc-config-file.js';
import { cannotUse } from '../../lib/errors/user-error.js';
import type { Log } from '../../ports/log.js';
import * as Flags from '../flags/flag.js';
import type { SystemContext } from '../system-context.js';

export const captureFlags = {
  capture: Flags.text({
    description:
      'Write all packets, encrypted and decrypted, to a new pcapng file together with the decryption keys.',
    helpValue: 'FILE',
  }),
};

/**
 * Rejects `--capture` in kernel mode, in which arctun does not see the packets.
 *
 * @throws UserError of kind `usage`
 */
export function refuseKernelCapture(flags: {
  readonly mode: string;
  readonly capture?: string | undefined;
}): void {
  if (flags.mode !== 'kernel' || flags.capture === undefined) return;
  throw cannotUse(
    '--capture with --mode kernel',
    'in this mode, the kernel encrypts and decrypts the packets, so arctun does not see them',
    'Use --mode tun, or capture on the interface with tcpdump.',
  );
}

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
      const next = ['Choose a new file in a writable folder with enough space.'];
      const file = await explainingFile({ what: `cannot capture to ${path}`, next }, () =>
        context.captureFile(path, header, log),
      );
      note(
        `Warning: ${path} will contain the private key and decrypted traffic. Anyone who has the file can read the traffic and use the SIM. Keep the file secret, and delete it when you are done.`,
      );
      return file;
    },
  };
}
