/** `npm run harness goodput`: writes docs/explanation/tcp-goodput.md. */
import { writeFileSync } from 'node:fs';
import { goodputDocument } from './document.js';

writeFileSync('docs/explanation/tcp-goodput.md', goodputDocument());
