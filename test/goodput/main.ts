/** `npm run goodput`: writes docs/tcp-goodput.md. */
import { writeFileSync } from 'node:fs';
import { goodputDocument } from './document.js';

writeFileSync('docs/tcp-goodput.md', goodputDocument());
