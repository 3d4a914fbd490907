/** A file of all that a tunnel does. */
import { Capture, captureHeader } from '../../tunnel/capture/capture.js';
import type { CaptureFile } from '../../ports/capture-file.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';

export interface CaptureOptions {
  /** Makes a file with this header. It is asked for when nothing else can stand in the way. */
  readonly createFile: (header: readonly Uint8Array[]) => Promise<CaptureFile>;
  /** What the file says that it was made by. */
  readonly application: string;
}

/**
 * Begins a capture, where there is to be one.
 *
 * @throws UserError where the file cannot be had
 */
export async function openCapture(
  options: CaptureOptions | undefined,
  ports: TunnelPorts,
  config: TunnelConfig,
): Promise<Capture | undefined> {
  if (options === undefined) return undefined;
  const { createFile, application } = options;
  return new Capture(await createFile(captureHeader(config, application)), ports);
}
