/** All rows of the matrix. */
import { COMMAND_ROWS } from './commands.js';
import { CURL_ROWS, IPV6_ROWS } from './curl.js';
import { LIBRARY_ROWS, NODE_ROWS } from './node.js';
import { PYTHON_ROWS } from './python.js';

/** With a running `up`. */
export const UP_ROWS = [...CURL_ROWS, ...NODE_ROWS, ...PYTHON_ROWS, ...COMMAND_ROWS];

export const ALL_ROWS = [...UP_ROWS, ...IPV6_ROWS, ...LIBRARY_ROWS];

export { IPV6_ROWS, LIBRARY_ROWS };
