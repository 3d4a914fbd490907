/** Gets the settings of the virtual SIM that belongs to a SORACOM Air line, over that line. */
import { messageOf } from '../../lib/errors/error-message.js';
import { bootstrapArc } from '../../soracom/krypton/krypton.js';
import { readLineSimId } from '../../soracom/krypton/metadata.js';
import { parseEndpointUrl, parsePlainEndpointUrl } from '../../soracom/endpoint-url.js';
import { readKryptonSession } from './krypton-session.js';
import {
  callKrypton,
  keepKryptonSession,
  openKryptonTarget,
  type KryptonPorts,
  type KryptonResult,
  type KryptonTargetOptions,
} from './krypton-target.js';

export interface BootstrapCellularOptions extends KryptonTargetOptions {
  /** Base URL of Krypton, without `/v1`. */
  readonly endpoint: string;
  /** Base URL of the metadata service, without `/v1`. */
  readonly metadataEndpoint: string;
  readonly userAgent: string;
}

export interface BootstrapCellularPorts extends KryptonPorts {
  /** Takes the call and its answer as text, with every secret hidden. */
  readonly dump?: (text: string) => void;
}

/**
 * @param signal stops the work until Krypton is called; it rejects with the signal's reason
 * @throws UserError when the target is refused; nothing was changed then
 * @throws ApiError, UserError of kind `api` when Krypton gives no whole session
 * @throws BootstrapRescueError when `path` could not be written after all
 */
export async function bootstrapCellular(
  options: BootstrapCellularOptions,
  ports: BootstrapCellularPorts,
  signal?: AbortSignal,
): Promise<KryptonResult> {
  const { userAgent } = options;
  const endpoint = parseEndpointUrl(options.endpoint);
  const existing = await openKryptonTarget(options, ports);
  // Asked for first: nothing stands between Krypton's answer and the disk.
  const simId = await findSimId(options, ports, signal);
  const { dump } = ports;
  const call = async () =>
    readKryptonSession(
      await bootstrapArc({ endpoint, userAgent, ...(dump && { dump }) }),
      'Krypton',
    );
  const session = await callKrypton(call, existing, simId, { options, ports, signal });
  return keepKryptonSession(session, existing, simId, options, ports);
}

/** Krypton does not say whose line it is; the metadata service does, where the group has it on. */
async function findSimId(
  { metadataEndpoint, userAgent }: BootstrapCellularOptions,
  { note }: KryptonPorts,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const endpoint = parsePlainEndpointUrl(metadataEndpoint);
  try {
    return await readLineSimId({ endpoint, userAgent }, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const reason = messageOf(error);
    note(`The metadata service does not tell the SIM id (${reason}).`);
    return undefined;
  }
}
