/** The function of most who use the extension: each event goes to SORACOM as it came. */
import { post } from './post.mjs';

export const handler = (event) => post(event);
