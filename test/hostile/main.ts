/** `npm run hostile [-- RUNS [SEED]]`: a million hostile segments. */
import { fireSegments } from './segments.js';

const [runs = '1000000', seed = '1'] = process.argv.slice(2);
const { segments, lives, endings, states } = fireSegments(Number(runs), Number(seed));
console.log(`${segments} segments to ${lives} connections: nothing thrown, nothing left`);
console.log('in state', Object.fromEntries(states));
console.log('ended by', Object.fromEntries(endings));
