/** A function that posts while it is being loaded, before any invocation. */
import { post } from './post.mjs';

const early = await post({ from: 'module scope' });

export const handler = async (event) => ({ early, now: await post(event) });
