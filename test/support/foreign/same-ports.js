/**
 * Gives each process that preloads it the same random bytes: `node --import same-ports.js PROGRAM`.
 * So a restarted `arctun up` chooses the same ephemeral ports again, in the same order.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

let serial = 0;

crypto.randomFillSync = (bytes) => {
  const view = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < view.length; index += 32) {
    const block = crypto.createHash('sha256').update(`${serial++}`).digest();
    view.set(block.subarray(0, view.length - index), index);
  }
  return bytes;
};
syncBuiltinESMExports();
