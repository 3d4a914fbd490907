/** The ports, which are at the same place in the TCP and the UDP header (RFC 9293 3.1, RFC 768). */
import { readUint16, writeUint16 } from './bytes.js';

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;

export function sourcePort(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + SOURCE_PORT);
}

export function destinationPort(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + DESTINATION_PORT);
}

export function writePorts(
  bytes: Uint8Array,
  offset: number,
  source: number,
  destination: number,
): void {
  writeUint16(bytes, offset + SOURCE_PORT, source);
  writeUint16(bytes, offset + DESTINATION_PORT, destination);
}
