/** Gets the settings of a SORACOM Air SIM's virtual SIM over the Air connection. */
import { fromSetting } from '../../lib/errors/from-setting.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { bootstrapArc } from '../../soracom/krypton/krypton.js';
import { readLineSimId } from '../../soracom/krypton/metadata.js';
import {
  KRYPTON,
  METADATA,
  parseEndpointUrl,
  parsePlainEndpointUrl,
} from '../../soracom/endpoint-url.js';
import { readKryptonSession } from './krypton-session.js';
import {
  bootstrapWithKrypton,
  type KryptonPorts,
  type KryptonResult,
  type KryptonTargetOptions,
} from './krypton-target.js';

/** SORACOM's own base URLs. */
export const SORACOM_URLS = { krypton: KRYPTON.url, metadata: METADATA.url } as const;

export interface BootstrapCellularOptions extends KryptonTargetOptions {
  /** Krypton's base URL, without `/v1`. */
  readonly endpoint: string;
  /** The metadata service's base URL, without `/v1`. */
  readonly metadataEndpoint: string;
  readonly userAgent: string;
}

export interface BootstrapCellularPorts extends KryptonPorts {
  /** Receives the request and the response as strings, with every secret hidden. */
  readonly dump?: ((text: string) => void) | undefined;
}

/**
 * @param signal cancels the run until Krypton is called; the promise rejects with the abort reason
 * @throws UserError if the target cannot be used; nothing was changed
 * @throws ApiError, UserError of kind `api` if Krypton returns an incomplete session
 * @throws BootstrapRescueError if `path` could not be written
 */
export async function bootstrapCellular(
  options: BootstrapCellularOptions,
  ports: BootstrapCellularPorts,
  signal?: AbortSignal,
): Promise<KryptonResult> {
  const { userAgent } = options;
  const endpoint = fromSetting('--endpoint', () => parseEndpointUrl(options.endpoint, KRYPTON));
  const { dump } = ports;
  const call = async () =>
    readKryptonSession(await bootstrapArc({ endpoint, userAgent, dump }), 'Krypton');
  const findSimId = () => findLineSimId(options, ports, signal);
  return bootstrapWithKrypton({ call, findSimId }, options, ports, signal);
}

/**
 * Reads the SIM ID, which Krypton omits, from the metadata service, if the SIM's group allows it.
 */
async function findLineSimId(
  { metadataEndpoint, userAgent }: BootstrapCellularOptions,
  { note }: KryptonPorts,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const endpoint = fromSetting('--metadata-endpoint', () =>
    parsePlainEndpointUrl(metadataEndpoint, METADATA),
  );
  try {
    return await readLineSimId({ endpoint, userAgent }, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const reason = messageOf(error);
    note(`The metadata service did not report the SIM ID (${reason}).`);
    return undefined;
  }
}
