/** A listening socket of the local machine, at a path, for its owner alone. */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import type { LocalListener, LocalListeners } from '../tunnel/ports.js';
