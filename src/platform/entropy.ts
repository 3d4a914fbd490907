import { randomFillSync } from 'node:crypto';

import type { Entropy } from '../tunnel/ports.js';

export const systemEntropy: Entropy = { fill: (bytes) => void randomFillSync(bytes) };
