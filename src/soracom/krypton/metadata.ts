/** The metadata service: what the platform tells a SIM of itself, where its group allows that. */
import * as z from 'zod';
import { parsePlainEndpointUrl } from '../endpoint-url.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { exchange } from '../client/transport.js';

export interface MetadataOptions {
  /** Base URL without `/v1`. */
  readonly endpoint: string;
  readonly userAgent: string;
}

/** Milliseconds. Over the line it answers at once; elsewhere nobody answers, and nobody should wait. */
const DEADLINES = { connect: 2_000, whole: 4_000 };

/** An ICCID, or whatever else stands in its place; never something that steers a terminal. */
const subscriber = z.object({ simId: z.string().regex(/^[0-9A-Za-z]{1,64}$/) });

/**
 * The id of the SIM whose line the call goes over.
 *
 * @throws UserError of kind `usage` when the endpoint is no URL
 * @throws Error that says why the id cannot be had
 */
export async function readLineSimId(
  { endpoint, userAgent }: MetadataOptions,
  signal?: AbortSignal,
): Promise<string> {
  const request = {
    method: 'GET',
    url: `${parsePlainEndpointUrl(endpoint)}/v1/subscriber`,
    headers: { 'User-Agent': userAgent },
  } as const;
  const { status, body } = await exchange(request, DEADLINES, signal);
  if (status !== 200) throw new Error(`HTTP ${status}`);
  const answer = subscriber.safeParse(parseJson(body));
  if (!answer.success) throw new Error('the answer names no SIM');
  return answer.data.simId;
}
