/** The typical function of an extension user: it sends each event to SORACOM unchanged. */
import { post } from './post.mjs';

export const handler = (event) => post(event);
