/** DNS queries for the tests, encoded by the library. */
import dnsPacket, { type Answer, type Packet, type RecordType } from 'dns-packet';

import { type DnsQuery, readQuery } from '../../../src/proxy/dns/dns-message.js';

export function encodeQuery(name: string, type: RecordType, fields: Packet = {}): Uint8Array {
  const questions = [{ name, type, class: 'IN' as const }];
  const flags = dnsPacket.RECURSION_DESIRED;
  return Uint8Array.from(dnsPacket.encode({ type: 'query', flags, questions, ...fields }));
}

/** An OPT record with the client's UDP payload size. */
export function edns(udpPayloadSize: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

export function queryOf(bytes: Uint8Array): DnsQuery {
  const read = readQuery(bytes);
  if (read.kind !== 'query') throw new Error(`the query is ${read.kind}`);
  return read.query;
}
