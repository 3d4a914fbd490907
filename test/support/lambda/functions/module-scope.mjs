/** A function that posts while it is loaded, before anything has been invoked. */
import { post } from './post.mjs';

const early = await post({ from: 'module scope' });

export const handler = async (event) => ({ early, now: await post(event) });
