/** DNS queries of a chosen size, which show how large a packet the path carries. */
import dnsPacket from 'dns-packet';

import type { NameQuestion } from './name-question.js';

/** The number of the padding option (RFC 7830 3). */
const PADDING = 12;

/** The maximum UDP payload of a response, as recommended by DNS flag day 2020. */
const UDP_PAYLOAD_SIZE = 1232;

/**
 * Encodes a query of exactly `length` bytes with the EDNS padding option (RFC 7830). A server that
 * does not know the option ignores it (RFC 6891 6.1.2).
 *
 * @throws RangeError if the query without padding is longer
 */
export function encodePaddedQuestion(question: NameQuestion, length: number): Uint8Array {
  const padding = length - encode(question, 0).length;
  if (padding < 0) throw new RangeError(`a query for ${question.name} is longer than ${length}`);
  return encode(question, padding);
}

function encode({ id, name, type }: NameQuestion, padding: number): Uint8Array {
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_PAYLOAD_SIZE,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [{ code: PADDING, length: padding }],
      },
    ],
  });
}

/**
 * Whether a datagram is a response with this ID. Any response shows that the query has arrived,
 * even one with an error, which may lack the question.
 */
export function isResponseTo(bytes: Uint8Array, id: number): boolean {
  const isResponse = ((bytes[2] ?? 0) & 0x80) !== 0;
  return isResponse && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) === id;
}
