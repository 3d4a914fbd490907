/**
 * A client for SORACOM's metadata service, which gives a device the data of its own SIM if the
 * SIM's group enables this.
 */
import * as z from 'zod/mini';
import { METADATA, parsePlainEndpointUrl } from '../endpoint-url.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { exchange } from '../client/transport.js';

export interface MetadataOptions {
  /** The base URL, without `/v1`. */
  readonly endpoint: string;
  readonly userAgent: string;
}

/**
 * Deadlines in milliseconds. Over a SORACOM connection the metadata service responds immediately;
 * elsewhere it never responds, so the deadlines are short.
 */
const DEADLINES = { connect: 2_000, whole: 4_000 };

/** A SIM ID may be an ICCID or another kind of ID, so only letters and digits are required. */
const subscriber = z.object({ simId: z.string().check(z.regex(/^[0-9A-Za-z]{1,64}$/)) });

/**
 * Returns the ID of the SIM whose connection carries the call.
 *
 * @throws UserError of kind `usage` if the endpoint is not a URL
 * @throws Error that explains why the ID is unavailable
 */
export async function readLineSimId(
  { endpoint, userAgent }: MetadataOptions,
  signal?: AbortSignal,
): Promise<string> {
  const request = {
    method: 'GET',
    url: `${parsePlainEndpointUrl(endpoint, METADATA)}/v1/subscriber`,
    headers: { 'User-Agent': userAgent },
  } as const;
  const { status, body } = await exchange(request, DEADLINES, signal);
  if (status !== 200) throw new Error(`HTTP ${status}`);
  const answer = subscriber.safeParse(parseJson(body));
  if (!answer.success) throw new Error('the response does not contain a SIM ID');
  return answer.data.simId;
}
